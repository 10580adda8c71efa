//! Writing predicates.
//!
//! Every condition is true or false, never NULL, so that NOT is the complement as it is in memory.
//! The ids that a condition on another table leads to are found first, by a subquery that does not
//! look at the row around it: a database that must ask such a question of each row anew, as EXISTS
//! inside OR makes it do, reads the whole table.

use scim_filter::{CompareOp, Predicate};
use scim_schema::{Operand, Target};

use crate::mapping::{Attribute, Elements, Mapping};
use crate::{Bind, Class, Dialect, Error, Fragment};

/// SQLite's limit of the parts of a compound SELECT, and well within any other's.
const MAX_UNION: usize = 500;

impl Mapping {
    /// A condition on the resources' table that holds for what a filter selects, as in memory.
    ///
    /// Its parameters begin with the number `first`. The statement that it becomes part of binds
    /// those before, names the table with the same alias, and says itself what all resources are
    /// [within](crate::MappingBuilder::within).
    ///
    /// # Errors
    ///
    /// If an attribute is not mapped; that is 400 `invalidFilter` (RFC 7644 section 3.4.2.2). Nothing
    /// is ever left out of a filter.
    pub fn filter(&self, filter: &Predicate, dialect: Dialect, first: usize) -> Result<Fragment, Error> {
        let mut writer = Writer::new(self, dialect, first);
        let class = writer.predicate(filter)?;
        writer.finish(class)
    }
}

/// SQL in the making.
pub(crate) struct Writer<'m> {
    pub(crate) mapping: &'m Mapping,
    pub(crate) dialect: Dialect,
    first: usize,
    pub(crate) sql: String,
    binds: Vec<Bind>,
}

/// What an element must be like.
#[derive(Clone, Copy)]
pub(crate) enum Condition<'a> {
    /// It has a value that compares to the operand.
    Compare(&'a Target, Option<&'a str>, CompareOp, &'a Operand),
    /// It has a value, and that differs from the operand.
    Differs(&'a Target, Option<&'a str>, &'a Operand),
    /// It has a value.
    Assigned(&'a Target, Option<&'a str>),
    /// It has a value that is not empty.
    Present(&'a Target, Option<&'a str>),
    /// It fulfils the filter of a value path.
    Inner(&'a Predicate),
}

/// One side of an OR.
enum Side<'a> {
    Predicate(&'a Predicate),
    Element(&'a Elements, Condition<'a>),
}

/// Where a condition stands.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Place {
    /// In the condition on a resource.
    Resource,
    /// As a subquery that finds ids.
    Ids,
}

/// By what a subquery is to find its rows.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Lead {
    Any,
    /// By the rows that an FTS5 table names.
    Fts5,
}

impl<'m> Writer<'m> {
    pub(crate) fn new(mapping: &'m Mapping, dialect: Dialect, first: usize) -> Self {
        Self { mapping, dialect, first, sql: String::with_capacity(128), binds: Vec::new() }
    }

    pub(crate) fn finish(self, class: Class) -> Result<Fragment, Error> {
        if self.first + self.binds.len() > self.dialect.max_parameters() {
            return Err(Error::TooLong);
        }
        Ok(Fragment { sql: self.sql, binds: self.binds, class })
    }

    pub(crate) fn push(&mut self, sql: &str) {
        self.sql.push_str(sql);
    }

    /// Writes a parameter, and returns its number.
    pub(crate) fn bind(&mut self, value: Bind) -> usize {
        let number = self.first + self.binds.len();
        self.binds.push(value);
        self.dialect.push_parameter(&mut self.sql, number);
        number
    }

    fn predicate(&mut self, predicate: &Predicate) -> Result<Class, Error> {
        match predicate {
            Predicate::And(list) => {
                let mut indexed = false;
                self.join(list, " AND ", &mut |writer, term| {
                    indexed |= writer.predicate(term)? == Class::Indexed;
                    Ok(())
                })?;
                Ok(Class::indexed(indexed))
            }
            Predicate::Or(list) => self.or(list.iter().map(Side::Predicate).collect()),
            Predicate::Not(inner) => {
                self.push("(NOT ");
                self.predicate(inner)?;
                self.push(")");
                Ok(Class::Scan)
            }
            Predicate::Const(holds) => {
                self.push(if *holds { "(TRUE)" } else { "(FALSE)" });
                Ok(Class::indexed(!holds))
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

    /// Joins terms by AND or OR, in parentheses and as a balanced tree: databases limit its depth.
    pub(crate) fn join<T>(
        &mut self,
        terms: &[T],
        word: &str,
        write: &mut impl FnMut(&mut Self, &T) -> Result<(), Error>,
    ) -> Result<(), Error> {
        // The depth that is left to what the terms are made of.
        const FLAT: usize = 16;
        self.push("(");
        if terms.len() <= FLAT {
            for (place, term) in terms.iter().enumerate() {
                if place > 0 {
                    self.push(word);
                }
                write(self, term)?;
            }
        } else {
            let (left, right) = terms.split_at_checked(terms.len() / 2).unwrap_or_default();
            self.join(left, word, write)?;
            self.push(word);
            self.join(right, word, write)?;
        }
        self.push(")");
        Ok(())
    }

    fn compare<'a>(
        &mut self,
        attribute: &'a Attribute,
        target: &'a Target,
        sub: Option<&'a str>,
        op: CompareOp,
        operand: &'a Operand,
    ) -> Result<Class, Error> {
        let single = matches!(attribute.sources.as_slice(), [one] if one.table.is_none());
        if op != CompareOp::Ne || single {
            return self.any(attribute, Condition::Compare(target, sub, op, operand));
        }
        // No value at all, or one that differs.
        self.push("(NOT ");
        self.any(attribute, Condition::Assigned(target, sub))?;
        self.push(" OR ");
        self.any(attribute, Condition::Differs(target, sub, operand))?;
        self.push(")");
        Ok(Class::Scan)
    }

    /// An element of the attribute is like that.
    fn any<'a>(&mut self, attribute: &'a Attribute, condition: Condition<'a>) -> Result<Class, Error> {
        match attribute.sources.as_slice() {
            [one] => self.element(one, condition, Place::Resource),
            all => self.or(all.iter().map(|one| Side::Element(one, condition)).collect()),
        }
    }

    /// At least one side holds. If one looks into another table, or an index serves each of them, all
    /// become the parts of one union.
    fn or(&mut self, sides: Vec<Side<'_>>) -> Result<Class, Error> {
        let start = self.sql.len();
        let (mut elsewhere, mut indexed, mut scans) = (Vec::new(), Vec::new(), Vec::new());
        for side in &sides {
            let looks_elsewhere = match side {
                Side::Predicate(predicate) => self.looks_elsewhere(predicate)?,
                Side::Element(elements, _) => elements.table.is_some(),
            };
            let place = if looks_elsewhere { Place::Ids } else { Place::Resource };
            let class = self.side(side, place)?;
            let text = self.sql.split_off(start);
            match class {
                _ if looks_elsewhere => elsewhere.push((text, class)),
                Class::Indexed => indexed.push(text),
                Class::Scan => scans.push(text),
            }
        }
        let all_indexed = scans.is_empty() && elsewhere.iter().all(|(_, class)| *class == Class::Indexed);
        let or = |writer: &mut Self, texts: &[String]| {
            writer.join(texts, " OR ", &mut |writer, text| {
                writer.push(text);
                Ok(())
            })
        };
        let union = !elsewhere.is_empty() || all_indexed;
        if !union || elsewhere.len() + indexed.len() >= MAX_UNION {
            if !elsewhere.is_empty() {
                return Err(Error::TooLong);
            }
            indexed.append(&mut scans);
            or(self, &indexed)?;
            return Ok(Class::indexed(all_indexed));
        }
        self.push("(");
        self.push(&self.mapping.id);
        self.push(" IN (");
        let mut parts = 0;
        let mut begin = |writer: &mut Self| {
            parts += 1;
            writer.push(if parts > 1 { " UNION " } else { "" });
        };
        for (text, _) in &elsewhere {
            begin(self);
            self.push(text);
        }
        for text in &indexed {
            begin(self);
            self.select_ids(Lead::Any);
            self.push(" AND ");
            self.push(text);
        }
        // What no index serves is one part together.
        if !scans.is_empty() {
            begin(self);
            self.select_ids(Lead::Any);
            self.push(" AND ");
            or(self, &scans)?;
        }
        self.push("))");
        Ok(Class::indexed(all_indexed))
    }

    fn side(&mut self, side: &Side<'_>, place: Place) -> Result<Class, Error> {
        match (side, place) {
            (Side::Element(elements, condition), _) => self.element(elements, *condition, place),
            (Side::Predicate(predicate), Place::Resource) => self.predicate(predicate),
            (Side::Predicate(predicate), Place::Ids) => {
                if let Some((elements, condition)) = self.single_source(predicate)? {
                    return self.element(elements, condition, place);
                }
                self.select_ids(Lead::Any);
                self.push(" AND ");
                self.predicate(predicate)
            }
        }
    }

    /// Begins a subquery for the ids of resources, to be gone on with by AND.
    pub(crate) fn select_ids(&mut self, lead: Lead) {
        let mapping = self.mapping;
        for part in ["SELECT ", &mapping.id, " FROM ", &mapping.table, " WHERE "] {
            self.push(part);
        }
        self.within(&mapping.within, lead);
    }

    pub(crate) fn within(&mut self, columns: &[(String, usize)], lead: Lead) {
        if columns.is_empty() {
            self.push("TRUE");
        }
        for (place, (column, parameter)) in columns.iter().enumerate() {
            if place > 0 {
                self.push(" AND ");
            }
            // An operator that does nothing keeps SQLite from finding rows by this column.
            if lead == Lead::Fts5 {
                self.push("+");
            }
            self.push(column);
            self.push(" = ");
            self.dialect.push_parameter(&mut self.sql, *parameter);
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

    /// The condition that a predicate comes to, if it is one on the rows of one other table.
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
