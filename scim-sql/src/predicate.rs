//! Translates predicates.
//!
//! Every condition is TRUE or FALSE, never NULL, so that NOT selects exactly the other rows, as it does in memory.
//!
//! A condition on another table becomes a subquery that selects ids, independent of the outer row. With EXISTS inside
//! an OR, the database would run the subquery for each row, and so read the whole table. For the same reason the terms
//! of an OR become the parts of a UNION of ids.

use scim_filter::{CompareOp, Predicate};
use scim_schema::{AttributeRef, Operand};

use crate::element_condition::{Condition, Position};
use crate::mapping::{Elements, MappedAttribute, Mapping};
use crate::writer::{DrivingTable, SqlWriter};
use crate::{Cost, Dialect, Error, Fragment};

/// The limit of SQLite for the parts of a compound SELECT. PostgreSQL allows more.
const MAX_UNION_PARTS: usize = 500;

impl Mapping {
    /// Translates a filter to a condition on the table of the resources. It selects the same resources as
    /// [`Predicate::is_match`] in memory. Without a filter, for `None`, the condition is `(TRUE)`, and counts as
    /// indexed: an application that refuses scans still lists all resources.
    ///
    /// ```
    /// # use scim_schema::standard;
    /// # use scim_sql::{Column, Cost, Dialect, Mapping};
    /// # let users = Mapping::builder(&standard::user_type(), "users u", "u.id")
    /// #     .column("title", Column::text("u.title").folded("u.title_folded"))
    /// #     .build()?;
    /// let fragment = users.filter(None, Dialect::Postgres, 1)?;
    /// assert_eq!((fragment.sql.as_str(), fragment.cost), ("(TRUE)", Cost::Indexed));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// The parameters of the condition begin with the number `first`. The statement around it binds the parameters
    /// before that, uses the alias of the mapping for the table, and has the conditions of
    /// [`scoped_by`](crate::MappingBuilder::scoped_by) itself.
    ///
    /// # Errors
    ///
    /// [`Error::Unmapped`] if an attribute is not mapped; a service answers with 400 `invalidFilter` (RFC 7644 section
    /// 3.4.2.2). [`Error::TooLong`] if the statement would exceed the limits of the database.
    pub fn filter<'f>(
        &self,
        filter: impl Into<Option<&'f Predicate>>,
        dialect: Dialect,
        first: usize,
    ) -> Result<Fragment, Error> {
        let mut writer = SqlWriter::new(self, dialect, first);
        let cost = match filter.into() {
            Some(filter) => writer.predicate(filter)?,
            None => {
                writer.push("(TRUE)");
                Cost::Indexed
            }
        };
        writer.finish(cost)
    }
}

/// A term of an OR.
enum OrTerm<'a> {
    Predicate(&'a Predicate),
    Element(&'a Elements, Condition<'a>),
}

/// The terms of an OR as SQL, by how the database finds their rows.
#[derive(Default)]
struct OrTerms {
    /// Subqueries that select ids from other tables.
    subqueries: Vec<String>,
    /// Conditions on the row of the resource that an index serves.
    indexed: Vec<String>,
    /// Conditions on the row of the resource that no index serves.
    scans: Vec<String>,
    /// Whether an index serves every term.
    all_indexed: bool,
}

impl<'m> SqlWriter<'m> {
    /// Writes a condition on the row of the resource.
    fn predicate(&mut self, predicate: &Predicate) -> Result<Cost, Error> {
        match predicate {
            Predicate::And(list) => {
                let mut indexed = false;
                self.join(list, " AND ", &mut |writer, term| {
                    indexed |= writer.predicate(term)? == Cost::Indexed;
                    Ok(())
                })?;
                Ok(Cost::from_indexed(indexed))
            }
            Predicate::Or(list) => self.or(list.iter().map(OrTerm::Predicate).collect()),
            Predicate::Not(inner) => {
                self.push("(NOT ");
                self.predicate(inner)?;
                self.push(")");
                Ok(Cost::Scan)
            }
            Predicate::Const(holds) => {
                self.push(if *holds { "(TRUE)" } else { "(FALSE)" });
                Ok(Cost::from_indexed(!holds))
            }
            Predicate::Present(target) => {
                let (attribute, sub) = self.mapping.attribute_for(target)?;
                self.any_element(attribute, Condition::Present(target, sub))
            }
            Predicate::Compare { target, op, operand } => {
                let (attribute, sub) = self.mapping.attribute_for(target)?;
                self.compare(attribute, target, sub, *op, operand)
            }
            Predicate::Any { target, inner } => {
                let (attribute, _) = self.mapping.attribute_for(target)?;
                self.any_element(attribute, Condition::Inner(inner))
            }
        }
    }

    /// Writes a comparison. `ne` holds for a multi-valued attribute if it has no value, or a value that differs.
    fn compare<'a>(
        &mut self,
        attribute: &'a MappedAttribute,
        target: &'a AttributeRef,
        sub: Option<&'a str>,
        op: CompareOp,
        operand: &'a Operand,
    ) -> Result<Cost, Error> {
        let is_in_row = matches!(attribute.sources.as_slice(), [elements] if elements.table.is_none());
        if op != CompareOp::Ne || is_in_row {
            return self.any_element(attribute, Condition::Compare(target, sub, op, operand));
        }
        self.push("(NOT ");
        self.any_element(attribute, Condition::Assigned(target, sub))?;
        self.push(" OR ");
        self.any_element(attribute, Condition::Differs(target, sub, operand))?;
        self.push(")");
        Ok(Cost::Scan)
    }

    /// Writes the condition that at least one element of the attribute satisfies a condition.
    fn any_element<'a>(
        &mut self,
        attribute: &'a MappedAttribute,
        condition: Condition<'a>,
    ) -> Result<Cost, Error> {
        match attribute.sources.as_slice() {
            [single] => self.element_condition(single, condition, Position::Resource),
            all => self.or(all.iter().map(|elements| OrTerm::Element(elements, condition)).collect()),
        }
    }

    /// Writes the condition that at least one term holds: a UNION of ids if a term reads another table or an index
    /// serves every term, and otherwise a plain OR.
    fn or(&mut self, terms: Vec<OrTerm<'_>>) -> Result<Cost, Error> {
        let mut written = self.or_terms(&terms)?;
        let cost = Cost::from_indexed(written.all_indexed);
        let is_union = !written.subqueries.is_empty() || written.all_indexed;
        if is_union && written.subqueries.len() + written.indexed.len() < MAX_UNION_PARTS {
            self.union(&written)?;
            return Ok(cost);
        }
        if !written.subqueries.is_empty() {
            return Err(Error::TooLong);
        }
        written.indexed.append(&mut written.scans);
        self.join_or(&written.indexed)?;
        Ok(cost)
    }

    /// Writes each term as SQL of its own.
    fn or_terms(&mut self, terms: &[OrTerm<'_>]) -> Result<OrTerms, Error> {
        let start = self.sql.len();
        let mut written = OrTerms { all_indexed: true, ..OrTerms::default() };
        for term in terms {
            let reads_other_table = match term {
                OrTerm::Predicate(predicate) => self.reads_other_table(predicate)?,
                OrTerm::Element(elements, _) => elements.table.is_some(),
            };
            let position = if reads_other_table { Position::Subquery } else { Position::Resource };
            let cost = self.or_term(term, position)?;
            written.all_indexed &= cost == Cost::Indexed;
            let group = match cost {
                _ if reads_other_table => &mut written.subqueries,
                Cost::Indexed => &mut written.indexed,
                Cost::Scan => &mut written.scans,
            };
            group.push(self.sql.split_off(start));
        }
        Ok(written)
    }

    /// Writes the condition that the id is in the union of the ids that the terms select.
    fn union(&mut self, terms: &OrTerms) -> Result<(), Error> {
        for part in ["(", &self.mapping.id, " IN ("] {
            self.push(part);
        }
        let mut parts = 0;
        let mut begin = |writer: &mut Self| {
            parts += 1;
            writer.push(if parts > 1 { " UNION " } else { "" });
        };
        for subquery in &terms.subqueries {
            begin(self);
            self.push(subquery);
        }
        for condition in &terms.indexed {
            begin(self);
            self.select_ids(DrivingTable::Any);
            self.push(" AND ");
            self.push(condition);
        }
        // All terms that no index serves become one part, so that the table is scanned once.
        if !terms.scans.is_empty() {
            begin(self);
            self.select_ids(DrivingTable::Any);
            self.push(" AND ");
            self.join_or(&terms.scans)?;
        }
        self.push("))");
        Ok(())
    }

    fn join_or(&mut self, conditions: &[String]) -> Result<(), Error> {
        self.join(conditions, " OR ", &mut |writer, condition| {
            writer.push(condition);
            Ok(())
        })
    }

    /// Writes one term, as a condition or as a subquery that selects ids.
    fn or_term(&mut self, term: &OrTerm<'_>, position: Position) -> Result<Cost, Error> {
        match (term, position) {
            (OrTerm::Element(elements, condition), _) => {
                self.element_condition(elements, *condition, position)
            }
            (OrTerm::Predicate(predicate), Position::Resource) => self.predicate(predicate),
            (OrTerm::Predicate(predicate), Position::Subquery) => {
                if let Some((elements, condition)) = self.other_table_condition(predicate)? {
                    return self.element_condition(elements, condition, position);
                }
                self.select_ids(DrivingTable::Any);
                self.push(" AND ");
                self.predicate(predicate)
            }
        }
    }

    /// Whether a predicate reads another table than that of the resources.
    fn reads_other_table(&self, predicate: &Predicate) -> Result<bool, Error> {
        for target in predicate.targets() {
            let (attribute, _) = self.mapping.attribute_for(target)?;
            if attribute.sources.iter().any(|source| source.table.is_some()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The source and the condition of a predicate that tests only the rows of one other table; `None` for other
    /// predicates.
    fn other_table_condition<'a>(
        &self,
        predicate: &'a Predicate,
    ) -> Result<Option<(&'m Elements, Condition<'a>)>, Error>
    where
        'm: 'a,
    {
        let target = match predicate {
            Predicate::Compare { op: CompareOp::Ne, .. } => return Ok(None),
            Predicate::Present(target)
            | Predicate::Compare { target, .. }
            | Predicate::Any { target, .. } => target,
            _ => return Ok(None),
        };
        let (attribute, sub) = self.mapping.attribute_for(target)?;
        let [elements] = attribute.sources.as_slice() else { return Ok(None) };
        let condition = match predicate {
            Predicate::Compare { op, operand, .. } => Condition::Compare(target, sub, *op, operand),
            Predicate::Any { inner, .. } => Condition::Inner(inner),
            _ => Condition::Present(target, sub),
        };
        Ok(elements.table.is_some().then_some((elements, condition)))
    }
}
