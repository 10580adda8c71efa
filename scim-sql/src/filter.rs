//! Writing predicates.
//!
//! Every condition is true or false, never NULL, so that NOT is the complement as it is in memory.
//! The ids that a condition on another table leads to are found first, by a subquery that does not
//! look at the row around it: a database that must ask such a question of each row anew, as EXISTS
//! inside OR makes it do, reads the whole table.

use scim_filter::{CompareOp, Predicate};
use scim_schema::{Operand, Target};
use serde_json::Value;

use crate::bind::{Cut, cut};
use crate::column::Trigrams;
use crate::mapping::{Attribute, Elements, Mapping};
use crate::{Bind, Class, Column, Dialect, Error, Fragment};

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
enum Condition<'a> {
    /// It has a value that compares to the operand.
    Compare(&'a Target, Option<&'a str>, CompareOp, &'a Operand),
    /// It has a value, and that differs from the operand.
    Differs(&'a Target, Option<&'a str>, &'a Operand),
    /// It has a value.
    Assigned(Option<&'a str>),
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
enum Place {
    /// In the condition on a resource.
    Resource,
    /// As a subquery that finds ids.
    Ids,
}

/// By what a subquery is to find its rows.
#[derive(Clone, Copy, PartialEq)]
enum Lead {
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
    fn join<T>(
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
        self.any(attribute, Condition::Assigned(sub))?;
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
    fn select_ids(&mut self, lead: Lead) {
        let mapping = self.mapping;
        for part in ["SELECT ", &mapping.id, " FROM ", &mapping.table, " WHERE "] {
            self.push(part);
        }
        self.within(&mapping.within, lead);
    }

    fn within(&mut self, columns: &[(String, usize)], lead: Lead) {
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

    /// By what the elements that are like that are found.
    fn lead(&self, elements: &Elements, condition: Condition<'_>) -> Lead {
        let leads = |predicate: &Predicate| match predicate {
            Predicate::Compare { target, op, operand } => {
                let sub = target.sub().map(|sub| sub.name());
                self.is_fts5(elements, sub, *op, operand)
            }
            _ => false,
        };
        let leads = match condition {
            Condition::Compare(_, sub, op, operand) => self.is_fts5(elements, sub, op, operand),
            Condition::Inner(Predicate::And(all)) => all.iter().any(leads),
            Condition::Inner(one) => leads(one),
            _ => false,
        };
        if leads { Lead::Fts5 } else { Lead::Any }
    }

    fn is_fts5(&self, elements: &Elements, sub: Option<&str>, op: CompareOp, operand: &Operand) -> bool {
        let column = elements.find(sub).filter(|_| self.dialect == Dialect::Sqlite);
        matches!(op, CompareOp::Co | CompareOp::Ew)
            && column.is_some_and(|column| matches!(column.trigrams, Some(Trigrams::Fts5 { .. })))
            && matches!(operand, Operand::Text(text) if has_trigrams(text.folded()))
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

    /// One element is like that.
    fn element(
        &mut self,
        elements: &Elements,
        condition: Condition<'_>,
        place: Place,
    ) -> Result<Class, Error> {
        let Some((table, owner)) = &elements.table else {
            return self.row(elements, condition);
        };
        if place == Place::Resource {
            self.push("(");
            self.push(&self.mapping.id);
            self.push(" IN (");
        }
        for part in ["SELECT ", owner, " FROM ", table, " WHERE "] {
            self.push(part);
        }
        self.within(&elements.within, self.lead(elements, condition));
        if let Some(when) = &elements.when {
            self.push(" AND ");
            self.push(when);
        }
        self.push(" AND ");
        let class = self.condition(elements, condition)?;
        if place == Place::Resource {
            self.push("))");
        }
        Ok(class)
    }

    /// The element in the resource's row is like that.
    fn row(&mut self, elements: &Elements, condition: Condition<'_>) -> Result<Class, Error> {
        // Texts that contain something are looked for in all rows, so once and not row by row.
        let searched = match condition {
            Condition::Compare(_, sub, CompareOp::Co | CompareOp::Ew, _) => elements.find(sub),
            _ => None,
        };
        let searched = searched.is_some_and(|column| column.constant_value().is_none());
        self.push("(");
        if searched {
            self.push(&self.mapping.id);
            self.push(" IN (");
            self.select_ids(self.lead(elements, condition));
            self.push(" AND ");
        }
        // What is the same in every element says nothing unless there is one.
        let is_constant = |sub| elements.find(sub).is_some_and(|column| column.constant_value().is_some());
        let needs_one = match condition {
            Condition::Inner(_) => true,
            Condition::Compare(_, sub, ..)
            | Condition::Differs(_, sub, _)
            | Condition::Assigned(sub)
            | Condition::Present(_, sub) => is_constant(sub) || sub.is_none(),
        };
        let differs = matches!(condition, Condition::Compare(_, _, CompareOp::Ne, _));
        let (before, after) = if differs { ("(NOT ", " OR ") } else { ("", " AND ") };
        if needs_one && self.exists(elements, before)? {
            self.push(if differs { ")" } else { "" });
            self.push(after);
        }
        let class = self.condition(elements, condition)?;
        if searched {
            self.push(self.dialect.fence());
            self.push(")");
        }
        self.push(")");
        Ok(class)
    }

    /// Writes that there is an element in the row, unless there always is.
    fn exists(&mut self, elements: &Elements, before: &str) -> Result<bool, Error> {
        if let Some(when) = &elements.when {
            self.push(before);
            self.push(when);
            return Ok(true);
        }
        let columns: Vec<&Column> =
            elements.columns.iter().map(|(_, column)| column).filter(|c| c.constant_value().is_none()).collect();
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

    /// What the columns of an element must hold.
    fn condition(&mut self, elements: &Elements, condition: Condition<'_>) -> Result<Class, Error> {
        match condition {
            Condition::Inner(inner) => self.inner(elements, inner),
            Condition::Compare(target, sub, op, operand) => match elements.find(sub) {
                Some(column) => self.leaf(elements, column, target, op, operand),
                // What this table lacks is absent from its elements.
                None => Ok(self.constant(op == CompareOp::Ne)),
            },
            Condition::Differs(target, sub, operand) => {
                let Some(column) = elements.find(sub) else { return Ok(self.constant(false)) };
                self.push("(");
                self.assigned(column);
                self.push(" AND ");
                self.leaf(elements, column, target, CompareOp::Ne, operand)?;
                self.push(")");
                Ok(Class::Scan)
            }
            Condition::Assigned(sub) => match elements.find(sub) {
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
                Ok(Class::Scan)
            }
        }
    }

    /// The filter of a value path, on one element.
    fn inner(&mut self, elements: &Elements, predicate: &Predicate) -> Result<Class, Error> {
        match predicate {
            Predicate::And(list) => {
                let mut indexed = false;
                self.join(list, " AND ", &mut |writer, term| {
                    indexed |= writer.inner(elements, term)? == Class::Indexed;
                    Ok(())
                })?;
                Ok(Class::indexed(indexed))
            }
            Predicate::Or(list) => {
                let mut indexed = true;
                self.join(list, " OR ", &mut |writer, term| {
                    indexed &= writer.inner(elements, term)? == Class::Indexed;
                    Ok(())
                })?;
                Ok(Class::indexed(indexed))
            }
            Predicate::Not(inner) => {
                self.push("(NOT ");
                self.inner(elements, inner)?;
                self.push(")");
                Ok(Class::Scan)
            }
            Predicate::Const(holds) => {
                self.constant(*holds);
                Ok(Class::indexed(!holds))
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

    fn constant(&mut self, holds: bool) -> Class {
        self.push(if holds { "TRUE" } else { "FALSE" });
        Class::Scan
    }

    fn assigned(&mut self, column: &Column) -> Class {
        if column.nullable {
            self.push("(");
            self.push(column.compared());
            self.push(" IS NOT NULL)");
        } else {
            self.push("TRUE");
        }
        Class::Scan
    }

    fn present(&mut self, target: &Target, column: &Column) -> Class {
        if let Some(value) = column.constant_value() {
            return self.constant(value.as_str() != Some(""));
        }
        if target.comparison().prepare_text("").is_none() {
            return self.assigned(column);
        }
        self.push("(");
        self.not_null(column);
        self.push(column.compared());
        self.push(" <> '')");
        Class::Scan
    }

    /// Begins a condition that a column must not be NULL for.
    fn not_null(&mut self, column: &Column) {
        if column.nullable {
            self.push(column.compared());
            self.push(" IS NOT NULL AND ");
        }
    }

    fn leaf(
        &mut self,
        elements: &Elements,
        column: &Column,
        target: &Target,
        op: CompareOp,
        operand: &Operand,
    ) -> Result<Class, Error> {
        if column.constant_value().is_some() {
            let predicate = Predicate::Compare { target: target.clone(), op, operand: operand.clone() };
            let name = target.definition().name();
            let holds = match target.sub() {
                Some(_) => predicate.matches_element(&Value::Object(elements.constants.clone())),
                None => elements.constants.get(name).is_some_and(|value| predicate.matches_element(value)),
            };
            return Ok(self.constant(holds));
        }
        let Some(cut) = cut(column.kind, operand) else { return Ok(self.constant(op == CompareOp::Ne)) };
        Ok(match op {
            CompareOp::Co | CompareOp::Sw | CompareOp::Ew => self.part(column, op, cut),
            _ => self.ordered(column, op, cut),
        })
    }

    /// `eq`, `ne` and the operators of order.
    fn ordered(&mut self, column: &Column, op: CompareOp, cut: Cut) -> Class {
        // Between two values that the column can hold, only those below and above count.
        let (op, value) = match (op, cut) {
            (op, Cut::At(value)) => (op, value),
            (CompareOp::Ne, _) => return self.constant(true),
            (CompareOp::Gt | CompareOp::Ge, Cut::Above(value)) => (CompareOp::Gt, value),
            (CompareOp::Lt | CompareOp::Le, Cut::Above(value)) => (CompareOp::Le, value),
            (CompareOp::Gt | CompareOp::Ge, Cut::Below) => return self.assigned(column),
            _ => {
                self.constant(false);
                return Class::Indexed;
            }
        };
        self.push("(");
        if op == CompareOp::Ne {
            if column.nullable {
                self.push(column.compared());
                self.push(" IS NULL OR ");
            }
        } else {
            self.not_null(column);
        }
        self.push(column.compared());
        let (word, ordered) = match op {
            CompareOp::Ne => (" <> ", false),
            CompareOp::Gt => (" > ", true),
            CompareOp::Ge => (" >= ", true),
            CompareOp::Lt => (" < ", true),
            CompareOp::Le => (" <= ", true),
            _ => (" = ", false),
        };
        if ordered && column.is_text() {
            self.push(self.dialect.bytewise());
        }
        self.push(word);
        self.value(column, value);
        self.push(")");
        Class::indexed(column.indexed && op != CompareOp::Ne)
    }

    /// Binds a value of a column.
    pub(crate) fn value(&mut self, column: &Column, value: Bind) {
        if column.is_timestamp() {
            self.push("CAST(CAST(");
            self.bind(value);
            self.push(" AS text) AS timestamptz)");
        } else {
            self.bind(value);
        }
    }

    /// `co`, `sw` and `ew`.
    fn part(&mut self, column: &Column, op: CompareOp, cut: Cut) -> Class {
        let Cut::At(Bind::Text(text)) = cut else {
            self.constant(false);
            return Class::Indexed;
        };
        if text.is_empty() {
            return self.assigned(column);
        }
        self.push("(");
        self.not_null(column);
        let class = match op {
            CompareOp::Sw => self.prefix(column, text),
            _ => self.inside(column, text, op == CompareOp::Ew),
        };
        self.push(")");
        class
    }

    /// The texts from this one to the first that does not begin with it.
    fn prefix(&mut self, column: &Column, text: String) -> Class {
        let end = after_prefix(&text);
        for (word, bound) in [(" >= ", Some(text)), (" < ", end)] {
            let Some(bound) = bound else { continue };
            if word == " < " {
                self.push(" AND ");
            }
            self.push(column.compared());
            self.push(self.dialect.bytewise());
            self.push(word);
            self.bind(Bind::Text(bound));
        }
        Class::indexed(column.indexed)
    }

    fn inside(&mut self, column: &Column, text: String, at_end: bool) -> Class {
        let long = has_trigrams(&text);
        match self.dialect {
            Dialect::Sqlite => {
                let trigrams = match &column.trigrams {
                    Some(Trigrams::Fts5 { table, column, rowid }) if long => Some((table, column, rowid)),
                    _ => None,
                };
                if let Some((table, of, rowid)) = trigrams {
                    for part in [rowid, " IN (SELECT rowid FROM ", table, " WHERE ", table, " MATCH "] {
                        self.push(part);
                    }
                    self.bind(Bind::Text(format!("{of} : \"{}\"", text.replace('"', "\"\""))));
                    self.push(") AND ");
                }
                let compared = column.compared();
                if at_end {
                    for part in ["substr(", compared, ", -length("] {
                        self.push(part);
                    }
                    let number = self.bind(Bind::Text(text));
                    self.push(")) = ");
                    self.dialect.push_parameter(&mut self.sql, number);
                } else {
                    for part in ["instr(", compared, ", "] {
                        self.push(part);
                    }
                    self.bind(Bind::Text(text));
                    self.push(") > 0");
                }
                Class::indexed(trigrams.is_some())
            }
            Dialect::Postgres => {
                self.push(column.compared());
                self.push(" LIKE ");
                let escaped = escape_like(&text);
                self.bind(Bind::Text(if at_end { format!("%{escaped}") } else { format!("%{escaped}%") }));
                self.push(" ESCAPE '\\'");
                Class::indexed(long && matches!(column.trigrams, Some(Trigrams::Gin)))
            }
        }
    }
}

/// The first text, code point by code point, that comes after all that begin with this one; none if
/// it is made of the last character only.
fn after_prefix(text: &str) -> Option<String> {
    let mut chars: Vec<char> = text.chars().collect();
    while let Some(last) = chars.pop() {
        // The characters that UTF-16 takes for itself are left out.
        let next = (u32::from(last) + 1..=0x10_ffff).find_map(char::from_u32);
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

/// Whether a text is long enough for a trigram index.
fn has_trigrams(text: &str) -> bool {
    text.chars().nth(2).is_some()
}

fn escape_like(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 2);
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_before_the_next_text() {
        assert_eq!(after_prefix("ab").as_deref(), Some("ac"));
        assert_eq!(after_prefix("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(after_prefix("\u{d7ff}").as_deref(), Some("\u{e000}"));
        assert_eq!(after_prefix("\u{10ffff}"), None);
    }

    #[test]
    fn like_takes_its_own_characters_as_they_are() {
        assert_eq!(escape_like(r"50%_\é"), r"50\%\_\\é");
    }
}
