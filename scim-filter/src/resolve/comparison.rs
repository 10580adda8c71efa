//! Resolves comparisons and presence tests: by the type of the attribute, and by where its values come from.

use scim_schema::{AttributeRef, Comparison, Operand, Quirk, Type};
use serde_json::{Number, Value};

use super::{ResolveFailure, Resolved, Resolver, negate, secret};
use crate::ast::{CompareOp, Filter, Literal};
use crate::display::NodePart;
use crate::error::ResolveErrorKind as Kind;
use crate::eval::compare;
use crate::predicate::Predicate;

/// Where the values of an attribute come from.
enum Source<'t> {
    /// The store holds them.
    Itself,
    /// The values are the name of the resource type.
    Name(&'t str),
    /// The values are URIs whose last segment is the id of the resource.
    Id(&'t AttributeRef),
    /// The values are URIs whose last segment is the `value` beside them.
    Value(&'t AttributeRef),
}

impl<'a> Resolver<'a, '_, '_> {
    /// Whether there is a value.
    pub(crate) fn presence(&self, target: &AttributeRef) -> Predicate {
        match self.source(target) {
            Source::Itself => Predicate::Present(target.clone()),
            Source::Value(value) => Predicate::Present(value.clone()),
            // Every resource has a type and an identifier.
            Source::Name(_) | Source::Id(_) => Predicate::Const(true),
        }
    }

    /// Where the values of an attribute come from.
    #[inline]
    fn source<'t>(&self, target: &'t AttributeRef) -> Source<'t>
    where
        'a: 't,
    {
        if target.is_derived() { self.derived(target) } else { Source::Itself }
    }

    fn derived<'t>(&self, target: &'t AttributeRef) -> Source<'t>
    where
        'a: 't,
    {
        let source = match (target.definition().name(), self.on) {
            ("resourceType", Some(on)) => Some(Source::Name(on.name())),
            ("location", Some(on)) => on.attribute("id").map(Source::Id),
            (_, on) => {
                let parent = self.within.or_else(|| on?.parent_attribute(target));
                parent.and_then(|parent| parent.sub_attribute("value")).map(Source::Value)
            }
        };
        source.unwrap_or(Source::Itself)
    }

    #[inline]
    pub(crate) fn compare<'f>(
        &mut self,
        node: &'f Filter,
        mut target: &'a AttributeRef,
        op: CompareOp,
        literal: &Literal,
    ) -> Resolved<'f, Predicate> {
        if *literal == Literal::Null {
            return match op {
                CompareOp::Eq => Ok(negate(self.presence(target))),
                CompareOp::Ne => Ok(self.presence(target)),
                _ => {
                    let message = format!("`{op}` cannot compare with null");
                    Err(ResolveFailure::new(node, NodePart::Value, Kind::Literal, message))
                }
            };
        }
        if target.is_complex() {
            target = value_of(node, target)?;
        }
        match self.source(target) {
            Source::Itself => self.compare_typed(node, target, op, literal),
            source => self.by_source(node, target, source, op, literal),
        }
    }

    /// A comparison of a derived attribute, by the attribute that it is derived from.
    fn by_source<'f>(
        &mut self,
        node: &'f Filter,
        target: &AttributeRef,
        source: Source<'_>,
        op: CompareOp,
        literal: &Literal,
    ) -> Resolved<'f, Predicate> {
        let id = match source {
            Source::Itself => target,
            Source::Value(value) => value,
            Source::Id(id) if self.within.is_none() => id,
            Source::Id(_) => {
                let message = format!("`{target}` cannot be compared in a value path");
                return Err(ResolveFailure::new(node, NodePart::Path, Kind::ValuePath, message));
            }
            Source::Name(name) => {
                return Ok(match self.compare_typed(node, target, op, literal)? {
                    Predicate::Compare { target, op, operand } => {
                        let name = Value::from(name);
                        Predicate::Const(compare(
                            std::iter::once(&name),
                            target.comparison(),
                            op,
                            &operand,
                            &mut 0,
                        ))
                    }
                    other => other,
                });
            }
        };
        let Literal::String(uri) = literal else { return Err(literal_mismatch(node, target)) };
        let (ends_path, last) = match uri.rsplit_once('/') {
            Some((_, last)) => (true, last),
            None => (false, &**uri),
        };
        let op = match op {
            CompareOp::Eq | CompareOp::Ne => op,
            // A suffix that is longer than the id determines the id.
            CompareOp::Ew if ends_path => CompareOp::Eq,
            CompareOp::Ew => op,
            _ => {
                let message = format!("`{op}` does not fit `{target}`; use `eq`, `ne` or `ew`");
                return Err(ResolveFailure::new(node, NodePart::Operator, Kind::Operator, message));
            }
        };
        self.compare_typed(node, id, op, &Literal::String(last.into()))
    }

    /// A comparison whose operator and literal fit the type of the attribute.
    #[inline]
    fn compare_typed<'f>(
        &mut self,
        node: &'f Filter,
        target: &AttributeRef,
        op: CompareOp,
        literal: &Literal,
    ) -> Resolved<'f, Predicate> {
        let rule = target.comparison();
        let suits = match op {
            CompareOp::Eq | CompareOp::Ne => true,
            CompareOp::Co | CompareOp::Sw | CompareOp::Ew => rule.is_text(),
            CompareOp::Gt | CompareOp::Ge | CompareOp::Lt | CompareOp::Le => rule.is_ordered(),
        };
        if !suits {
            return Err(operator_mismatch(node, target, op));
        }
        if let Literal::String(text) = literal
            && let Some(operand) = rule.prepare_text(text)
        {
            return Ok(Predicate::Compare { target: target.clone(), op, operand });
        }
        match self.other_type(target, rule, literal) {
            Some(operand) => Ok(Predicate::Compare { target: target.clone(), op, operand }),
            None => Err(literal_mismatch(node, target)),
        }
    }

    /// An operand that is not a string, or a literal of another type than the attribute.
    #[inline(never)]
    fn other_type(&mut self, target: &AttributeRef, rule: Comparison, literal: &Literal) -> Option<Operand> {
        match (literal, rule) {
            (Literal::String(text), Comparison::Boolean) => {
                let flag = ["true", "false"].iter().position(|flag| text.eq_ignore_ascii_case(flag))? == 0;
                self.read_context
                    .allow_quirk(Quirk::BooleanAsString, target)
                    .then_some(Operand::Boolean(flag))
            }
            (Literal::String(text), Comparison::Number) => {
                let number: Number = text.trim().parse().ok()?;
                self.read_context
                    .allow_quirk(Quirk::NumberAsString, target)
                    .then_some(Operand::Number(number))
            }
            (Literal::Number(number), Comparison::Number) => Some(Operand::Number(number.clone())),
            (Literal::Number(number), _) if target.definition().data_type() == Type::String => {
                let text = number.to_string();
                self.read_context
                    .allow_quirk(Quirk::NumberForString, target)
                    .then(|| rule.prepare_text(&text))?
            }
            (Literal::Bool(flag), Comparison::Boolean) => Some(Operand::Boolean(*flag)),
            _ => None,
        }
    }
}

/// The `value` of a complex attribute, which a comparison of the attribute means.
fn value_of<'a, 'f>(node: &'f Filter, target: &'a AttributeRef) -> Resolved<'f, &'a AttributeRef> {
    match target.sub_attribute("value") {
        Some(value) if value.is_secret() => Err(secret(node, value)),
        Some(value) => Ok(value),
        None => {
            let example = target.sub_attributes().first().unwrap_or(target);
            let message =
                format!("`{target}` is complex; name one of its sub-attributes, such as `{example}`");
            Err(ResolveFailure::new(node, NodePart::Path, Kind::ComplexAttribute, message))
        }
    }
}

#[cold]
fn operator_mismatch<'f>(node: &'f Filter, target: &AttributeRef, op: CompareOp) -> Box<ResolveFailure<'f>> {
    let message = format!("`{op}` does not fit `{target}`, which is {}", target.definition().data_type());
    ResolveFailure::new(node, NodePart::Operator, Kind::Operator, message)
}

#[cold]
fn literal_mismatch<'f>(node: &'f Filter, target: &AttributeRef) -> Box<ResolveFailure<'f>> {
    let suitable = match target.comparison() {
        Comparison::Boolean => "true or false",
        Comparison::Number => "a number",
        Comparison::Instant => "a date and time such as \"2011-05-13T04:42:34Z\"",
        _ => "a quoted string",
    };
    let message = format!("`{target}` must be compared with {suitable}");
    ResolveFailure::new(node, NodePart::Value, Kind::Literal, message)
}
