//! Runs the rule of the application in the transaction of a write.

use scim_core::{ChangedMembers, Context, Resource};

use crate::database::{Param, Transaction};
use crate::rule::RuleTransaction;
use crate::table_store::error::TableError;
use crate::table_store::layout::Layout;
use crate::table_store::on_write::{Write, WriteAction};
use crate::table_store::tables::Tables;

/// A write that the rule sees.
pub(super) struct Written<'r> {
    pub(super) action: WriteAction,
    pub(super) key: Param,
    pub(super) before: Option<&'r Resource>,
    pub(super) after: Option<&'r Resource>,
    pub(super) members: &'r ChangedMembers,
}

/// Runs the rule, if there is one.
pub(super) async fn run(
    tables: &Tables,
    layout: &Layout,
    cx: &Context<'_>,
    tx: &mut dyn Transaction,
    written: Written<'_>,
) -> Result<(), TableError> {
    let Some(on_write) = &tables.on_write else { return Ok(()) };
    let Written { action, key, before, after, members } = written;
    let mut write = Write {
        tx: RuleTransaction::new(tx),
        dialect: layout.dialect,
        action,
        resource_type: layout.resource_type.name(),
        key,
        cx,
        before,
        after,
        members,
    };
    let result = on_write(&mut write).await;
    write.tx.finish(result)
}
