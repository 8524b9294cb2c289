//! What a person calls the syntax that is outside the language.

use ruby_prism::Node as Pm;

/// A phrase for an unsupported node, used as "… is outside the language here".
pub(super) fn unsupported_name(node: &Pm<'_>) -> &'static str {
    match node {
        Pm::CaseMatchNode { .. } | Pm::MatchPredicateNode { .. } | Pm::MatchRequiredNode { .. } => "pattern matching",
        Pm::FlipFlopNode { .. } => "a flip-flop",
        Pm::PreExecutionNode { .. } => "`BEGIN`",
        Pm::PostExecutionNode { .. } => "`END`",
        Pm::RedoNode { .. } => "`redo`",
        Pm::UndefNode { .. } => "`undef`",
        Pm::AliasGlobalVariableNode { .. } => "an alias of a global variable",
        Pm::RationalNode { .. } => "a rational number",
        Pm::ImaginaryNode { .. } => "an imaginary number",
        Pm::MatchLastLineNode { .. } | Pm::InterpolatedMatchLastLineNode { .. } => "a bare regexp as a condition",
        _ => "this syntax",
    }
}
