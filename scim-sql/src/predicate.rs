//! Writing predicates.
//!
//! Every condition is true or false, never NULL, so that NOT is the complement as it is in memory. A condition
//! on another table is written as a subquery that finds ids without looking at the row around it. With EXISTS
//! inside an OR the database would ask the question for each row, and read the whole table.

use scim_filter::{CompareOp, Predicate};
use scim_schema::{AttributeRef, Operand};

use crate::element_condition::{Condition, Position};
use crate::mapping::{Attribute, Elements, Mapping};
use crate::writer::{DrivingTable, Writer};
use crate::{Cost, Dialect, Error, Fragment};

/// SQLite's limit of the parts of a compound SELECT, and well within any other's.
const MAX_UNION: usize = 500;

impl Mapping {
    /// A condition on the resources' table that holds for what a filter selects, as in memory.
    ///
    /// Its parameters begin with the number `first`. The statement that it becomes part of binds
    /// those before, names the table with the same alias, and says itself what all resources are
    /// [within](crate::MappingBuilder::scoped_by).
    ///
    /// # Errors
    ///
    /// If an attribute is not mapped; that is 400 `invalidFilter` (RFC 7644 section 3.4.2.2). Nothing
    /// is ever left out of a filter.
    pub fn filter(&self, filter: &Predicate, dialect: Dialect, first: usize) -> Result<Fragment, Error> {
        let mut writer = Writer::new(self, dialect, first);
        let cost = writer.predicate(filter)?;
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
    /// Subqueries that find ids in other tables.
    subqueries: Vec<String>,
    /// Conditions on the resource that an index serves.
    indexed: Vec<String>,
    /// Conditions on the resource that no index serves.
    scans: Vec<String>,
    /// Whether an index serves all of them.
    all_indexed: bool,
}

impl<'m> Writer<'m> {
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
                let (attribute, sub) = self.mapping.find(target)?;
                self.any(attribute, Condition::Present(target, sub))
            }
            Predicate::Compare { target, op, operand } => {
                let (attribute, sub) = self.mapping.find(target)?;
                self.compare(attribute, target, sub, *op, operand)
            }
            Predicate::Any { target, inner } => {
                let (attribute, _) = self.mapping.find(target)?;
                self.any(attribute, Condition::Inner(inner))
            }
        }
    }

    fn compare<'a>(
        &mut self,
        attribute: &'a Attribute,
        target: &'a AttributeRef,
        sub: Option<&'a str>,
        op: CompareOp,
        operand: &'a Operand,
    ) -> Result<Cost, Error> {
        let single = matches!(attribute.sources.as_slice(), [elements] if elements.table.is_none());
        if op != CompareOp::Ne || single {
            return self.any(attribute, Condition::Compare(target, sub, op, operand));
        }
        // No value at all, or one that differs.
        self.push("(NOT ");
        self.any(attribute, Condition::Assigned(target, sub))?;
        self.push(" OR ");
        self.any(attribute, Condition::Differs(target, sub, operand))?;
        self.push(")");
        Ok(Cost::Scan)
    }

    /// Some element of the attribute fulfils the condition.
    fn any<'a>(&mut self, attribute: &'a Attribute, condition: Condition<'a>) -> Result<Cost, Error> {
        match attribute.sources.as_slice() {
            [single] => self.element(single, condition, Position::Resource),
            all => self.or(all.iter().map(|elements| OrTerm::Element(elements, condition)).collect()),
        }
    }

    /// At least one term holds. If a term looks into another table, or an index serves each of them, all become
    /// the parts of one union.
    fn or(&mut self, terms: Vec<OrTerm<'_>>) -> Result<Cost, Error> {
        let mut written = self.or_terms(&terms)?;
        let cost = Cost::from_indexed(written.all_indexed);
        let is_union = !written.subqueries.is_empty() || written.all_indexed;
        if is_union && written.subqueries.len() + written.indexed.len() < MAX_UNION {
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

    /// Writes each term by itself.
    fn or_terms(&mut self, terms: &[OrTerm<'_>]) -> Result<OrTerms, Error> {
        let start = self.sql.len();
        let mut written = OrTerms { all_indexed: true, ..OrTerms::default() };
        for term in terms {
            let looks_elsewhere = match term {
                OrTerm::Predicate(predicate) => self.looks_elsewhere(predicate)?,
                OrTerm::Element(elements, _) => elements.table.is_some(),
            };
            let position = if looks_elsewhere { Position::Subquery } else { Position::Resource };
            let cost = self.or_term(term, position)?;
            written.all_indexed &= cost == Cost::Indexed;
            let group = match cost {
                _ if looks_elsewhere => &mut written.subqueries,
                Cost::Indexed => &mut written.indexed,
                Cost::Scan => &mut written.scans,
            };
            group.push(self.sql.split_off(start));
        }
        Ok(written)
    }

    /// The id is one of those that the parts of a union find.
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
        // The terms that no index serves are one part together, so that the table is read once.
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

    fn or_term(&mut self, term: &OrTerm<'_>, position: Position) -> Result<Cost, Error> {
        match (term, position) {
            (OrTerm::Element(elements, condition), _) => self.element(elements, *condition, position),
            (OrTerm::Predicate(predicate), Position::Resource) => self.predicate(predicate),
            (OrTerm::Predicate(predicate), Position::Subquery) => {
                if let Some((elements, condition)) = self.single_source(predicate)? {
                    return self.element(elements, condition, position);
                }
                self.select_ids(DrivingTable::Any);
                self.push(" AND ");
                self.predicate(predicate)
            }
        }
    }

    /// Whether a predicate looks into another table than the resources'.
    fn looks_elsewhere(&self, predicate: &Predicate) -> Result<bool, Error> {
        for target in predicate.targets() {
            let (attribute, _) = self.mapping.find(target)?;
            if attribute.sources.iter().any(|source| source.table.is_some()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The condition of a predicate on the rows of one other table, if it is such a predicate.
    fn single_source<'a>(
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
        let (attribute, sub) = self.mapping.find(target)?;
        let [elements] = attribute.sources.as_slice() else { return Ok(None) };
        let condition = match predicate {
            Predicate::Compare { op, operand, .. } => Condition::Compare(target, sub, *op, operand),
            Predicate::Any { inner, .. } => Condition::Inner(inner),
            _ => Condition::Present(target, sub),
        };
        Ok(elements.table.is_some().then_some((elements, condition)))
    }
}
