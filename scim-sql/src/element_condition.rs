//! Writes conditions on one element of an attribute, which is in the row of the resource or in another table.

use scim_filter::{CompareOp, Predicate};
use scim_schema::{AttributeRef, Operand};
use serde_json::Value;

use crate::column::Trigrams;
use crate::column_condition::has_trigrams;
use crate::mapping::Elements;
use crate::writer::{DrivingTable, SqlWriter};
use crate::{Column, Cost, Dialect, Error};

/// A condition on one element. The `Option<&str>` is the sub-attribute that it is about; `None` for the element
/// itself.
#[derive(Clone, Copy)]
pub(crate) enum Condition<'a> {
    /// The comparison of the value with the operand holds. For `ne` it also holds if there is no value.
    Compare(&'a AttributeRef, Option<&'a str>, CompareOp, &'a Operand),
    /// There is a value, and it differs from the operand.
    Differs(&'a AttributeRef, Option<&'a str>, &'a Operand),
    /// There is a value.
    Assigned(&'a AttributeRef, Option<&'a str>),
    /// There is a value that is not an empty text.
    Present(&'a AttributeRef, Option<&'a str>),
    /// The filter of a value path holds.
    Inner(&'a Predicate),
}

/// The place of a condition in the statement.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Position {
    /// Part of a condition on a row of the resources.
    Resource,
    /// A subquery that selects ids.
    Subquery,
}

impl SqlWriter<'_> {
    /// The table by which the database should find the elements for which the condition holds.
    fn driving_table(&self, elements: &Elements, condition: Condition<'_>) -> DrivingTable {
        let is_fts5 = |predicate: &Predicate| match predicate {
            Predicate::Compare { target, op, operand } => {
                let sub = target.sub_attribute_definition().map(|sub| sub.name());
                self.is_fts5(elements, sub, *op, operand)
            }
            _ => false,
        };
        let uses_fts5 = match condition {
            Condition::Compare(_, sub, op, operand) => self.is_fts5(elements, sub, op, operand),
            Condition::Inner(Predicate::And(all)) => all.iter().any(is_fts5),
            Condition::Inner(inner) => is_fts5(inner),
            _ => false,
        };
        if uses_fts5 { DrivingTable::Fts5 } else { DrivingTable::Any }
    }

    /// Whether an FTS5 table serves a comparison.
    fn is_fts5(&self, elements: &Elements, sub: Option<&str>, op: CompareOp, operand: &Operand) -> bool {
        let column = elements.column_for(sub).filter(|_| self.dialect == Dialect::Sqlite);
        matches!(op, CompareOp::Co | CompareOp::Ew)
            && column.is_some_and(|column| matches!(column.trigrams, Some(Trigrams::Fts5 { .. })))
            && matches!(operand, Operand::Text(text) if has_trigrams(text.folded()))
    }

    /// Writes the condition that at least one element of this source satisfies a condition.
    pub(crate) fn element_condition(
        &mut self,
        elements: &Elements,
        condition: Condition<'_>,
        position: Position,
    ) -> Result<Cost, Error> {
        let Some((table, owner)) = &elements.table else {
            return self.row_condition(elements, condition);
        };
        if position == Position::Resource {
            self.push("(");
            self.push(&self.mapping.id);
            self.push(" IN (");
        }
        for part in ["SELECT ", owner, " FROM ", table, " WHERE "] {
            self.push(part);
        }
        self.push_scope(&elements.scoped_by, self.driving_table(elements, condition));
        if let Some(condition) = &elements.condition {
            for part in [" AND (", condition, ")"] {
                self.push(part);
            }
        }
        self.push(" AND ");
        let cost = self.columns_condition(elements, condition)?;
        if position == Position::Resource {
            self.push("))");
        }
        Ok(cost)
    }

    /// Writes the condition that the element in the row of the resource satisfies a condition.
    fn row_condition(&mut self, elements: &Elements, condition: Condition<'_>) -> Result<Cost, Error> {
        // A subquery lets the database find the rows by a trigram index, or else scan the table once, instead of
        // testing each row of the outer query.
        let searched_column = match condition {
            Condition::Compare(_, sub, CompareOp::Co | CompareOp::Ew, _) => elements.column_for(sub),
            _ => None,
        };
        let uses_subquery = searched_column.is_some_and(|column| column.constant_value().is_none());
        self.push("(");
        if uses_subquery {
            self.push(&self.mapping.id);
            self.push(" IN (");
            self.select_ids(self.driving_table(elements, condition));
            self.push(" AND ");
        }
        // Conditions that would hold, or that test a constant, without looking at a column of the element: they must
        // also test that the row has an element.
        let is_constant =
            |sub| elements.column_for(sub).is_some_and(|column| column.constant_value().is_some());
        let ignores_columns = match condition {
            Condition::Inner(_) => true,
            Condition::Compare(target, sub, ..)
            | Condition::Differs(target, sub, _)
            | Condition::Assigned(target, sub) => target.is_primary() || is_constant(sub) || sub.is_none(),
            Condition::Present(_, sub) => is_constant(sub) || sub.is_none(),
        };
        let needs_element = ignores_columns || elements.condition.is_some();
        let is_ne = matches!(condition, Condition::Compare(_, _, CompareOp::Ne, _));
        let (before, after) = if is_ne { ("(NOT ", " OR ") } else { ("", " AND ") };
        if needs_element && self.push_exists(elements, before)? {
            self.push(if is_ne { ")" } else { "" });
            self.push(after);
        }
        let cost = self.columns_condition(elements, condition)?;
        if uses_subquery {
            self.push(self.dialect.optimization_fence());
            self.push(")");
        }
        self.push(")");
        Ok(cost)
    }

    /// Writes `before` and the condition that the row has an element, and returns true. If every row has an element,
    /// writes nothing and returns false.
    pub(crate) fn push_exists(&mut self, elements: &Elements, before: &str) -> Result<bool, Error> {
        if let Some(condition) = &elements.condition {
            for part in [before, "(", condition, ")"] {
                self.push(part);
            }
            return Ok(true);
        }
        let columns: Vec<&Column> = elements
            .columns
            .iter()
            .map(|(_, column)| column)
            .filter(|c| c.constant_value().is_none())
            .collect();
        let is_simple = matches!(elements.columns.as_slice(), [(None, _)]);
        if columns.is_empty() || is_simple || columns.iter().any(|column| !column.nullable) {
            return Ok(false);
        }
        self.push(before);
        self.join(&columns, " OR ", &mut |writer, column| {
            writer.push(column.comparison_sql());
            writer.push(" IS NOT NULL");
            Ok(())
        })?;
        Ok(true)
    }

    /// Writes a condition on the columns of an element.
    fn columns_condition(&mut self, elements: &Elements, condition: Condition<'_>) -> Result<Cost, Error> {
        match condition {
            Condition::Inner(inner) => self.inner_condition(elements, inner),
            Condition::Compare(target, _, op, operand) if target.is_primary() => {
                self.primary_condition(elements, target, op, operand)
            }
            Condition::Compare(target, sub, op, operand) => match elements.column_for(sub) {
                Some(column) => self.column_condition(elements, column, target, op, operand),
                // The elements of this source do not have this sub-attribute.
                None => Ok(self.push_constant(op == CompareOp::Ne)),
            },
            Condition::Differs(target, _, operand) if target.is_primary() => {
                self.primary_condition(elements, target, CompareOp::Ne, operand)
            }
            Condition::Differs(target, sub, operand) => {
                let Some(column) = elements.column_for(sub) else { return Ok(self.push_constant(false)) };
                self.push("(");
                self.push_assigned(column);
                self.push(" AND ");
                self.column_condition(elements, column, target, CompareOp::Ne, operand)?;
                self.push(")");
                Ok(Cost::Scan)
            }
            // Every element has a value, since an absent `primary` is false.
            Condition::Assigned(target, _) if target.is_primary() => Ok(self.push_constant(true)),
            Condition::Assigned(_, sub) => match elements.column_for(sub) {
                Some(column) => Ok(self.push_assigned(column)),
                None => Ok(self.push_constant(false)),
            },
            Condition::Present(target, Some(sub)) => match elements.column_for(Some(sub)) {
                Some(column) => Ok(self.push_present(target, column)),
                None => Ok(self.push_constant(false)),
            },
            Condition::Present(target, None) => {
                let columns: Vec<_> = elements.columns.iter().collect();
                self.join(&columns, " OR ", &mut |writer, (sub, column)| {
                    let sub_target =
                        sub.as_deref().and_then(|sub| target.sub_attribute(sub)).unwrap_or(target);
                    writer.push_present(sub_target, column);
                    Ok(())
                })?;
                Ok(Cost::Scan)
            }
        }
    }

    /// Writes a condition on `primary`. It counts as false if the column is NULL, and if there is no column.
    fn primary_condition(
        &mut self,
        elements: &Elements,
        target: &AttributeRef,
        op: CompareOp,
        operand: &Operand,
    ) -> Result<Cost, Error> {
        // A boolean has two values, so `ne true` is the same as `eq false`.
        let wanted = (op == CompareOp::Eq) == matches!(operand, Operand::Boolean(true));
        let name = target.definition().name();
        let column = elements.column_for(Some(name)).filter(|column| column.constant_value().is_none());
        let Some(column) = column else {
            let constant = elements.constants.get(name).and_then(Value::as_bool).unwrap_or(false);
            return Ok(self.push_constant(constant == wanted));
        };
        let operand = Operand::Boolean(wanted);
        if wanted || !column.nullable {
            return self.column_condition(elements, column, target, CompareOp::Eq, &operand);
        }
        self.push("(");
        self.push(column.comparison_sql());
        self.push(" IS NULL OR ");
        let cost =
            self.column_condition(elements, &column.clone().not_null(), target, CompareOp::Eq, &operand)?;
        self.push(")");
        Ok(cost)
    }

    /// Writes the filter of a value path, as a condition on one element.
    fn inner_condition(&mut self, elements: &Elements, predicate: &Predicate) -> Result<Cost, Error> {
        match predicate {
            Predicate::And(list) => {
                let mut indexed = false;
                self.join(list, " AND ", &mut |writer, term| {
                    indexed |= writer.inner_condition(elements, term)? == Cost::Indexed;
                    Ok(())
                })?;
                Ok(Cost::from_indexed(indexed))
            }
            Predicate::Or(list) => {
                let mut indexed = true;
                self.join(list, " OR ", &mut |writer, term| {
                    indexed &= writer.inner_condition(elements, term)? == Cost::Indexed;
                    Ok(())
                })?;
                Ok(Cost::from_indexed(indexed))
            }
            Predicate::Not(inner) => {
                self.push("(NOT ");
                self.inner_condition(elements, inner)?;
                self.push(")");
                Ok(Cost::Scan)
            }
            Predicate::Const(holds) => {
                self.push_constant(*holds);
                Ok(Cost::from_indexed(!holds))
            }
            Predicate::Present(target) => {
                let (_, sub) = self.mapping.attribute_for(target)?;
                self.columns_condition(elements, Condition::Present(target, sub))
            }
            Predicate::Compare { target, op, operand } => {
                let (_, sub) = self.mapping.attribute_for(target)?;
                self.columns_condition(elements, Condition::Compare(target, sub, *op, operand))
            }
            // A sub-attribute is never complex, so no value path is inside a value path.
            Predicate::Any { .. } => Ok(self.push_constant(false)),
        }
    }
}
