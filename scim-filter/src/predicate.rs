//! The resolved tree: what a filter means on a resource type.

use scim_schema::{Operand, Target};

use crate::ast::CompareOp;

/// A filter that was checked against a resource type: canonical names, typed operands.
///
/// This is what a store translates into its own query language. It is exhaustive on purpose, so
/// that a translation that forgets a case does not compile.
///
/// `And` and `Or` hold two predicates or more and never directly one of their own kind. A `Const`
/// stands only at the top or inside `Any`, since elsewhere it is already worked in.
///
/// ```
/// use scim_filter::{CompareOp, Filter, Predicate};
/// use scim_schema::{Comparison, Operand, Reading, Tolerance, standard};
///
/// /// A WHERE clause with placeholders, for a table with a column for each attribute.
/// fn sql(predicate: &Predicate, binds: &mut Vec<String>) -> String {
///     let all = |list: &[Predicate], word: &str, binds: &mut Vec<String>| {
///         let parts: Vec<_> = list.iter().map(|p| sql(p, binds)).collect();
///         format!("({})", parts.join(word))
///     };
///     match predicate {
///         Predicate::And(list) => all(list, " AND ", binds),
///         Predicate::Or(list) => all(list, " OR ", binds),
///         Predicate::Not(inner) => format!("NOT {}", sql(inner, binds)),
///         Predicate::Const(holds) => holds.to_string().to_uppercase(),
///         Predicate::Present(target) => format!("({target} <> '')"),
///         Predicate::Compare { target, op: CompareOp::Eq, operand: Operand::Text(text) } => {
///             // A column of folded texts beside the one that keeps what was sent.
///             let folded = target.comparison() != Comparison::Exact;
///             binds.push(text.folded().to_owned());
///             format!("{target}{} = ?", if folded { "_folded" } else { "" })
///         }
///         Predicate::Compare { .. } => unimplemented!("the other operators and types"),
///         Predicate::Any { .. } => unimplemented!("EXISTS on a table of elements"),
///     }
/// }
///
/// let tolerance = Tolerance::strict();
/// let filter: Filter = r#"not (USERNAME eq "Bea") and (title pr or id eq "42")"#.parse()?;
/// let predicate = filter.resolve(&standard::user_type(), &mut Reading::new(&tolerance))?;
/// let mut binds = Vec::new();
/// assert_eq!(sql(&predicate, &mut binds), "(NOT userName_folded = ? AND ((title <> '') OR id = ?))");
/// assert_eq!(binds, ["bea", "42"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Predicate {
    /// All of them hold.
    And(Vec<Predicate>),
    /// At least one of them holds.
    Or(Vec<Predicate>),
    /// It does not hold: the logical complement, also on multi-valued attributes.
    Not(Box<Predicate>),
    /// It holds for every resource of the type, or for none.
    Const(bool),
    /// The attribute has a value that is neither null nor empty, false included; of a complex
    /// attribute, a sub-attribute has one; of a multi-valued attribute, an element has one.
    Present(Target),
    /// At least one value of the attribute compares to the operand; with `Ne`, at least one
    /// differs or there is none (RFC 7644 section 3.4.2.2).
    ///
    /// The target is never complex. `Co`, `Sw` and `Ew` come with text only; `Gt`, `Ge`, `Lt` and
    /// `Le` with text, numbers and points in time.
    Compare {
        /// The attribute; its `comparison()` is the rule, its `path()` the canonical name.
        target: Target,
        /// How the values compare to the operand.
        op: CompareOp,
        /// What they are compared with, folded or parsed as the rule demands.
        operand: Operand,
    },
    /// At least one element of the attribute fulfils the inner predicate on its own; of a singular
    /// complex attribute, its value does.
    ///
    /// The targets of the inner predicate are sub-attributes of this one. If this one is not
    /// complex, its elements have no sub-attributes, and the inner targets are this one itself.
    Any {
        /// The attribute whose elements are looked at.
        target: Target,
        /// What one of them must fulfil.
        inner: Box<Predicate>,
    },
}

impl Predicate {
    /// The attribute and the operand, if this is exactly one `eq`.
    ///
    /// Identity providers look up users this way, so a store may want to do it by an index.
    ///
    /// ```
    /// use scim_filter::Filter;
    /// use scim_schema::{Reading, Tolerance, standard};
    ///
    /// let tolerance = Tolerance::strict();
    /// let filter: Filter = r#"userName eq "bea""#.parse()?;
    /// let predicate = filter.resolve(&standard::user_type(), &mut Reading::new(&tolerance))?;
    /// let (target, operand) = predicate.single_equality().unwrap();
    /// assert_eq!(target.path().as_str(), "userName");
    /// assert_eq!(operand.to_value(), "bea");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn single_equality(&self) -> Option<(&Target, &Operand)> {
        match self {
            Self::Compare { target, op: CompareOp::Eq, operand } => Some((target, operand)),
            _ => None,
        }
    }

    /// The attributes and operands, if this is one `eq` or a conjunction of nothing but `eq`.
    ///
    /// They say what a new element must be like that the predicate is to select, as when `add` has
    /// the path `emails[type eq "work"].value` and there is no such element yet.
    ///
    /// ```
    /// use scim_filter::Filter;
    /// use scim_schema::{Reading, Tolerance, standard};
    ///
    /// let tolerance = Tolerance::strict();
    /// let mut reading = Reading::new(&tolerance);
    /// let user = standard::user_type();
    /// let emails = user.attribute("emails").unwrap();
    /// let filter: Filter = r#"type eq "work" and primary eq true"#.parse()?;
    /// let predicate = filter.resolve_within(emails, &mut reading)?;
    /// let names: Vec<_> = predicate.equalities().unwrap().iter().map(|(t, _)| t.definition().name()).collect();
    /// assert_eq!(names, ["type", "primary"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn equalities(&self) -> Option<Vec<(&Target, &Operand)>> {
        match self {
            Self::And(all) => all.iter().map(Self::single_equality).collect(),
            _ => self.single_equality().map(|equality| vec![equality]),
        }
    }

    /// The attributes that the predicate looks at, as often as it does; of an `Any`, the attribute
    /// and what the inner predicate looks at.
    ///
    /// ```
    /// use std::collections::HashSet;
    /// use scim_filter::Filter;
    /// use scim_schema::{Reading, Tolerance, standard};
    ///
    /// let tolerance = Tolerance::strict();
    /// let filter: Filter = r#"title pr or emails[type eq "work"] and not (title eq "x")"#.parse()?;
    /// let predicate = filter.resolve(&standard::user_type(), &mut Reading::new(&tolerance))?;
    /// let touched: HashSet<_> = predicate.targets().map(|t| t.path().as_str()).collect();
    /// assert_eq!(touched, HashSet::from(["title", "emails", "emails.type"]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn targets(&self) -> impl Iterator<Item = &Target> {
        let mut waiting = vec![self];
        std::iter::from_fn(move || {
            loop {
                match waiting.pop()? {
                    Self::And(list) | Self::Or(list) => waiting.extend(list.iter().rev()),
                    Self::Not(inner) => waiting.push(inner),
                    Self::Const(_) => {}
                    Self::Present(target) | Self::Compare { target, .. } => return Some(target),
                    Self::Any { target, inner } => {
                        waiting.push(inner);
                        return Some(target);
                    }
                }
            }
        })
    }
}
