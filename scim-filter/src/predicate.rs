//! The resolved tree of a filter.

use scim_schema::{AttributeRef, Operand};

use crate::ast::CompareOp;

/// A filter that was checked against a resource type: canonical names, typed operands.
///
/// A store translates it into its own query language. A match must cover all variants, so a translation that forgets
/// one does not compile.
///
/// `And` and `Or` contain at least two predicates, and never directly a predicate of their own kind. A `Const` occurs
/// only at the top or inside `Any`: elsewhere it is already simplified away.
///
/// The example translates a predicate for a table with one column per singular attribute, and a second, folded column
/// for each string. It refuses an attribute without a column and names it: a store must not drop a part of a filter, or
/// find too few resources. The crate `scim-sql` translates every predicate.
///
/// ```
/// use scim_filter::{CompareOp, Filter, Predicate};
/// use scim_schema::{Operand, ReadContext, AttributeRef, Tolerance, standard};
///
/// fn sql(predicate: &Predicate, binds: &mut Vec<String>) -> Result<String, AttributeRef> {
///     match predicate {
///         Predicate::And(all) => joined(all, " AND ", binds),
///         Predicate::Or(any) => joined(any, " OR ", binds),
///         Predicate::Not(inner) => Ok(format!("NOT {}", sql(inner, binds)?)),
///         Predicate::Const(holds) => Ok(holds.to_string()),
///         Predicate::Any { target, .. } => Err(target.clone()),
///         Predicate::Present(target) | Predicate::Compare { target, .. }
///             if target.is_complex() || target.attribute().is_multi_valued() =>
///         {
///             Err(target.clone())
///         }
///         Predicate::Present(target) => Ok(format!("(\"{target}\" IS NOT NULL)")),
///         Predicate::Compare { target, op, operand } => {
///             let (column, bind) = match operand {
///                 Operand::Text(text) => (format!("\"{target}_folded\""), text.folded().to_owned()),
///                 Operand::Instant(instant, _) => {
///                     let seconds = format!("{}.{:09}", instant.seconds(), instant.nanoseconds());
///                     (format!("\"{target}\""), seconds)
///                 }
///                 other => (format!("\"{target}\""), other.to_value().to_string()),
///             };
///             binds.push(bind);
///             // A comparison with NULL must be true or false, or `NOT` would find too little.
///             Ok(match op {
///                 CompareOp::Eq => format!("({column} IS NOT DISTINCT FROM ?)"),
///                 CompareOp::Ne => format!("({column} IS DISTINCT FROM ?)"),
///                 CompareOp::Gt => format!("(({column} > ?) IS TRUE)"),
///                 CompareOp::Ge => format!("(({column} >= ?) IS TRUE)"),
///                 CompareOp::Lt => format!("(({column} < ?) IS TRUE)"),
///                 CompareOp::Le => format!("(({column} <= ?) IS TRUE)"),
///                 CompareOp::Co => format!("(contains({column}, ?) IS TRUE)"),
///                 CompareOp::Sw => format!("(starts_with({column}, ?) IS TRUE)"),
///                 CompareOp::Ew => format!("(ends_with({column}, ?) IS TRUE)"),
///             })
///         }
///     }
/// }
///
/// fn joined(parts: &[Predicate], word: &str, binds: &mut Vec<String>) -> Result<String, AttributeRef> {
///     let parts: Result<Vec<_>, _> = parts.iter().map(|part| sql(part, binds)).collect();
///     Ok(format!("({})", parts?.join(word)))
/// }
///
/// let (user, tolerance) = (standard::user_type(), Tolerance::strict());
/// let mut translate = |filter: &str, binds: &mut Vec<String>| {
///     let filter: Filter = filter.parse().unwrap();
///     sql(&filter.resolve(&user, &mut ReadContext::new(&tolerance)).unwrap(), binds)
/// };
/// let mut binds = Vec::new();
/// let text = translate(r#"not (USERNAME eq "Bea") and (title pr or name.familyName sw "L")"#, &mut binds);
/// assert_eq!(
///     text.unwrap(),
///     r#"(NOT ("userName_folded" IS NOT DISTINCT FROM ?) AND "#.to_owned()
///         + r#"(("title" IS NOT NULL) OR (starts_with("name.familyName_folded", ?) IS TRUE)))"#,
/// );
/// assert_eq!(binds, ["bea", "l"]);
/// let refused = translate(r#"emails[type eq "work"]"#, &mut binds).unwrap_err();
/// assert_eq!(refused.to_string(), "emails");
/// ```
///
/// The list of variants is complete, so that code which translates predicates can match each without a
/// catch-all. A new variant is a breaking change.
#[derive(Clone, Debug, PartialEq)]
pub enum Predicate {
    /// All of the predicates hold.
    And(Vec<Predicate>),
    /// At least one of the predicates holds.
    Or(Vec<Predicate>),
    /// The predicate does not hold: the logical complement, also for multi-valued attributes.
    Not(Box<Predicate>),
    /// True for every resource of the type, or for none.
    Const(bool),
    /// The attribute has a value that is neither null nor empty; false is a value. A complex attribute has one if a
    /// sub-attribute has one, and a multi-valued attribute if an element has one.
    Present(AttributeRef),
    /// The comparison holds for at least one value of the attribute; `Ne` also holds if there is no value (RFC 7644
    /// section 3.4.2.2).
    ///
    /// The attribute is never complex. `Co`, `Sw` and `Ew` have strings only; `Gt`, `Ge`, `Lt` and `Le` have strings,
    /// numbers and points in time.
    Compare {
        /// The attribute; its `comparison()` is the rule, its `path()` the canonical name.
        target: AttributeRef,
        /// The operator.
        op: CompareOp,
        /// The operand, folded or parsed by the comparison rule of the attribute.
        operand: Operand,
    },
    /// At least one element of the attribute satisfies the inner predicate on its own. For a singular complex attribute:
    /// its value does.
    ///
    /// The inner predicate is about sub-attributes of the attribute. If the attribute is not complex, its elements have
    /// no sub-attributes, and the inner predicate is about the attribute itself.
    Any {
        /// The attribute with the elements.
        target: AttributeRef,
        /// The predicate that one element must satisfy.
        inner: Box<Predicate>,
    },
}

impl Predicate {
    /// The attribute and the operand, if this is exactly one `eq`.
    ///
    /// Identity providers look up users this way, so a store should use an index for it.
    ///
    /// ```
    /// use scim_filter::Filter;
    /// use scim_schema::{ReadContext, Tolerance, standard};
    ///
    /// let tolerance = Tolerance::strict();
    /// let filter: Filter = r#"userName eq "bea""#.parse()?;
    /// let predicate = filter.resolve(&standard::user_type(), &mut ReadContext::new(&tolerance))?;
    /// let (target, operand) = predicate.single_equality().unwrap();
    /// assert_eq!(target.path().as_str(), "userName");
    /// assert_eq!(operand.to_value(), "bea");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn single_equality(&self) -> Option<(&AttributeRef, &Operand)> {
        match self {
            Self::Compare { target, op: CompareOp::Eq, operand } => Some((target, operand)),
            _ => None,
        }
    }

    /// The attributes and operands, if this is one `eq` or a conjunction of `eq` only.
    ///
    /// They describe the element to create when the predicate selects none: `add` with the path
    /// `emails[type eq "work"].value` creates an element with `type` `work`.
    ///
    /// ```
    /// use scim_filter::Filter;
    /// use scim_schema::{ReadContext, Tolerance, standard};
    ///
    /// let tolerance = Tolerance::strict();
    /// let mut read_context = ReadContext::new(&tolerance);
    /// let user = standard::user_type();
    /// let emails = user.attribute("emails").unwrap();
    /// let filter: Filter = r#"type eq "work" and primary eq true"#.parse()?;
    /// let predicate = filter.resolve_value_path(emails, &mut read_context)?;
    /// let names: Vec<_> = predicate.equalities().unwrap().iter().map(|(t, _)| t.definition().name()).collect();
    /// assert_eq!(names, ["type", "primary"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn equalities(&self) -> Option<Vec<(&AttributeRef, &Operand)>> {
        match self {
            Self::And(all) => all.iter().map(Self::single_equality).collect(),
            _ => self.single_equality().map(|equality| vec![equality]),
        }
    }

    /// The attributes that the predicate reads; one that it reads repeatedly is repeated. For an `Any`: its attribute, and
    /// those of the inner predicate.
    ///
    /// ```
    /// use std::collections::HashSet;
    /// use scim_filter::Filter;
    /// use scim_schema::{ReadContext, Tolerance, standard};
    ///
    /// let tolerance = Tolerance::strict();
    /// let filter: Filter = r#"title pr or emails[type eq "work"] and not (title eq "x")"#.parse()?;
    /// let predicate = filter.resolve(&standard::user_type(), &mut ReadContext::new(&tolerance))?;
    /// let touched: HashSet<_> = predicate.targets().map(|t| t.path().as_str()).collect();
    /// assert_eq!(touched, HashSet::from(["title", "emails", "emails.type"]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn targets(&self) -> impl Iterator<Item = &AttributeRef> {
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
