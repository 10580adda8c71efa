//! Writing conditions on one element of an attribute: in the resource's own row, or in another table.

use scim_filter::{CompareOp, Predicate};
use scim_schema::{AttributeRef, Operand};
use serde_json::Value;

use crate::column::Trigrams;
use crate::column_condition::has_trigrams;
use crate::mapping::Elements;
use crate::writer::{DrivingTable, Writer};
use crate::{Column, Cost, Dialect, Error};

/// A condition on an element.
#[derive(Clone, Copy)]
pub(crate) enum Condition<'a> {
    /// It has a value that compares to the operand.
    Compare(&'a AttributeRef, Option<&'a str>, CompareOp, &'a Operand),
    /// It has a value, and that differs from the operand.
    Differs(&'a AttributeRef, Option<&'a str>, &'a Operand),
    /// It has a value.
    Assigned(&'a AttributeRef, Option<&'a str>),
    /// It has a value that is not empty.
    Present(&'a AttributeRef, Option<&'a str>),
    /// It fulfils the filter of a value path.
    Inner(&'a Predicate),
}

/// Where a condition stands.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Position {
    /// It is part of a condition on a resource.
    Resource,
    /// It is a subquery that finds ids.
    Subquery,
}

impl Writer<'_> {
    /// By which table the elements that fulfil the condition are found.
    fn driving_table(&self, elements: &Elements, condition: Condition<'_>) -> DrivingTable {
        let is_driving = |predicate: &Predicate| match predicate {
            Predicate::Compare { target, op, operand } => {
                let sub = target.sub_attribute_definition().map(|sub| sub.name());
                self.is_fts5(elements, sub, *op, operand)
            }
            _ => false,
        };
        let uses_fts5 = match condition {
            Condition::Compare(_, sub, op, operand) => self.is_fts5(elements, sub, op, operand),
            Condition::Inner(Predicate::And(all)) => all.iter().any(is_driving),
            Condition::Inner(inner) => is_driving(inner),
            _ => false,
        };
        if uses_fts5 { DrivingTable::Fts5 } else { DrivingTable::Any }
    }

    fn is_fts5(&self, elements: &Elements, sub: Option<&str>, op: CompareOp, operand: &Operand) -> bool {
        let column = elements.find(sub).filter(|_| self.dialect == Dialect::Sqlite);
        matches!(op, CompareOp::Co | CompareOp::Ew)
            && column.is_some_and(|column| matches!(column.trigrams, Some(Trigrams::Fts5 { .. })))
            && matches!(operand, Operand::Text(text) if has_trigrams(text.folded()))
    }

    /// Some element of this source fulfils the condition.
    pub(crate) fn element(
        &mut self,
        elements: &Elements,
        condition: Condition<'_>,
        position: Position,
    ) -> Result<Cost, Error> {
        let Some((table, owner)) = &elements.table else {
            return self.row(elements, condition);
        };
        if position == Position::Resource {
            self.push("(");
            self.push(&self.mapping.id);
            self.push(" IN (");
        }
        for part in ["SELECT ", owner, " FROM ", table, " WHERE "] {
            self.push(part);
        }
        self.scoped_by(&elements.scoped_by, self.driving_table(elements, condition));
        if let Some(condition) = &elements.condition {
            for part in [" AND (", condition, ")"] {
                self.push(part);
            }
        }
        self.push(" AND ");
        let cost = self.condition(elements, condition)?;
        if position == Position::Resource {
            self.push("))");
        }
        Ok(cost)
    }

    /// The element in the resource's row fulfils the condition.
    fn row(&mut self, elements: &Elements, condition: Condition<'_>) -> Result<Cost, Error> {
        // `co` and `ew` read all rows, so a subquery does it once instead of row by row.
        let searched = match condition {
            Condition::Compare(_, sub, CompareOp::Co | CompareOp::Ew, _) => elements.find(sub),
            _ => None,
        };
        let searched = searched.is_some_and(|column| column.constant_value().is_none());
        self.push("(");
        if searched {
            self.push(&self.mapping.id);
            self.push(" IN (");
            self.select_ids(self.driving_table(elements, condition));
            self.push(" AND ");
        }
        // A constant says nothing unless the row has an element.
        let is_constant = |sub| elements.find(sub).is_some_and(|column| column.constant_value().is_some());
        let in_each = match condition {
            Condition::Inner(_) => true,
            Condition::Compare(target, sub, ..)
            | Condition::Differs(target, sub, _)
            | Condition::Assigned(target, sub) => target.is_primary() || is_constant(sub) || sub.is_none(),
            Condition::Present(_, sub) => is_constant(sub) || sub.is_none(),
        };
        let needs_one = in_each || elements.condition.is_some();
        let differs = matches!(condition, Condition::Compare(_, _, CompareOp::Ne, _));
        let (before, after) = if differs { ("(NOT ", " OR ") } else { ("", " AND ") };
        if needs_one && self.exists(elements, before)? {
            self.push(if differs { ")" } else { "" });
            self.push(after);
        }
        let cost = self.condition(elements, condition)?;
        if searched {
            self.push(self.dialect.fence());
            self.push(")");
        }
        self.push(")");
        Ok(cost)
    }

    /// Writes the condition that the row has an element, and returns whether it did: some rows always have one.
    pub(crate) fn exists(&mut self, elements: &Elements, before: &str) -> Result<bool, Error> {
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
        let simple = matches!(elements.columns.as_slice(), [(None, _)]);
        if columns.is_empty() || simple || columns.iter().any(|column| !column.nullable) {
            return Ok(false);
        }
        self.push(before);
        self.join(&columns, " OR ", &mut |writer, column| {
            writer.push(column.compared());
            writer.push(" IS NOT NULL");
            Ok(())
        })?;
        Ok(true)
    }

    /// The condition on the columns of an element.
    fn condition(&mut self, elements: &Elements, condition: Condition<'_>) -> Result<Cost, Error> {
        match condition {
            Condition::Inner(inner) => self.inner(elements, inner),
            Condition::Compare(target, _, op, operand) if target.is_primary() => {
                self.primary(elements, target, op, operand)
            }
            Condition::Compare(target, sub, op, operand) => match elements.find(sub) {
                Some(column) => self.column_condition(elements, column, target, op, operand),
                // The elements of this source do not have the sub-attribute.
                None => Ok(self.constant(op == CompareOp::Ne)),
            },
            Condition::Differs(target, _, operand) if target.is_primary() => {
                self.primary(elements, target, CompareOp::Ne, operand)
            }
            Condition::Differs(target, sub, operand) => {
                let Some(column) = elements.find(sub) else { return Ok(self.constant(false)) };
                self.push("(");
                self.assigned(column);
                self.push(" AND ");
                self.column_condition(elements, column, target, CompareOp::Ne, operand)?;
                self.push(")");
                Ok(Cost::Scan)
            }
            // Every element has it, since an absent `primary` is false.
            Condition::Assigned(target, _) if target.is_primary() => Ok(self.constant(true)),
            Condition::Assigned(_, sub) => match elements.find(sub) {
                Some(column) => Ok(self.assigned(column)),
                None => Ok(self.constant(false)),
            },
            Condition::Present(target, Some(sub)) => match elements.find(Some(sub)) {
                Some(column) => Ok(self.present(target, column)),
                None => Ok(self.constant(false)),
            },
            Condition::Present(target, None) => {
                let columns: Vec<_> = elements.columns.iter().collect();
                self.join(&columns, " OR ", &mut |writer, (sub, column)| {
                    let of = sub.as_deref().and_then(|sub| target.sub_attribute(sub)).unwrap_or(target);
                    writer.present(of, column);
                    Ok(())
                })?;
                Ok(Cost::Scan)
            }
        }
    }

    /// `primary`, which is false in an element that does not have it: where the column is NULL, and where
    /// there is no column.
    fn primary(
        &mut self,
        elements: &Elements,
        target: &AttributeRef,
        op: CompareOp,
        operand: &Operand,
    ) -> Result<Cost, Error> {
        // There are two values, so `ne` one is `eq` the other.
        let wanted = (op == CompareOp::Eq) == matches!(operand, Operand::Boolean(true));
        let name = target.definition().name();
        let column = elements.find(Some(name)).filter(|column| column.constant_value().is_none());
        let Some(column) = column else {
            let held = elements.constants.get(name).and_then(Value::as_bool).unwrap_or(false);
            return Ok(self.constant(held == wanted));
        };
        let operand = Operand::Boolean(wanted);
        if wanted || !column.nullable {
            return self.column_condition(elements, column, target, CompareOp::Eq, &operand);
        }
        self.push("(");
        self.push(column.compared());
        self.push(" IS NULL OR ");
        let cost =
            self.column_condition(elements, &column.clone().not_null(), target, CompareOp::Eq, &operand)?;
        self.push(")");
        Ok(cost)
    }

    /// The filter of a value path, on one element.
    fn inner(&mut self, elements: &Elements, predicate: &Predicate) -> Result<Cost, Error> {
        match predicate {
            Predicate::And(list) => {
                let mut indexed = false;
                self.join(list, " AND ", &mut |writer, term| {
                    indexed |= writer.inner(elements, term)? == Cost::Indexed;
                    Ok(())
                })?;
                Ok(Cost::from_indexed(indexed))
            }
            Predicate::Or(list) => {
                let mut indexed = true;
                self.join(list, " OR ", &mut |writer, term| {
                    indexed &= writer.inner(elements, term)? == Cost::Indexed;
                    Ok(())
                })?;
                Ok(Cost::from_indexed(indexed))
            }
            Predicate::Not(inner) => {
                self.push("(NOT ");
                self.inner(elements, inner)?;
                self.push(")");
                Ok(Cost::Scan)
            }
            Predicate::Const(holds) => {
                self.constant(*holds);
                Ok(Cost::from_indexed(!holds))
            }
            Predicate::Present(target) => {
                let (_, sub) = self.mapping.find(target)?;
                self.condition(elements, Condition::Present(target, sub))
            }
            Predicate::Compare { target, op, operand } => {
                let (_, sub) = self.mapping.find(target)?;
                self.condition(elements, Condition::Compare(target, sub, *op, operand))
            }
            // There are no elements inside an element.
            Predicate::Any { .. } => Ok(self.constant(false)),
        }
    }
}
