//! Solutions tied to choices: drawn along with the answers, or shown beside the feedback (capa reference, sections
//! 5.4 and 5.5).

use super::responses::{Permutation, Response};
use super::tree::{Mark, Node};

/// Takes away the solutions of right choices that were not drawn: from the solution set after each question whose
/// choices were drawn from a pool.
pub(super) fn prune(parent: &mut Node, responses: &[Response], permutations: &[(String, Permutation)]) {
    for at in 0..parent.children.len() {
        prune(&mut parent.children[at], responses, permutations);
        let Mark::Response(index) = parent.children[at].mark else {
            continue;
        };
        let input = responses.get(index).and_then(|response| response.inputs.first());
        let drawn = permutations.iter().find(|(id, _)| input.is_some_and(|input| input.id == *id));
        let Some((_, Permutation { kind: "answerpool", kept_explanation, .. })) = drawn else {
            continue;
        };
        if let Some(set) = parent.children[at..].iter_mut().find(|sibling| sibling.name == "solutionset") {
            set.children.retain(|solution| {
                solution.name != "solution" || solution.get("explanation-id") == kept_explanation.as_deref()
            });
        }
    }
}

/// Moves the solution of the right choice into the feedback of each question that wants it there.
pub(super) fn move_to_feedback(parent: &mut Node) {
    parent.children.iter_mut().for_each(move_to_feedback);
    let questions = 0..parent.children.len();
    let wanting = questions.filter(|at| {
        parent.children[*at].get("targeted-feedback") == Some("alwaysShowCorrectChoiceExplanation")
    });
    // From the last to the first, so that a solution that is taken away moves no question still to come.
    for at in wanting.collect::<Vec<_>>().into_iter().rev() {
        move_explanation(parent, at);
    }
}

/// Moves the solution of the question with this index.
fn move_explanation(parent: &mut Node, at: usize) -> Option<()> {
    let explanation = last_right_explanation(&parent.children[at]);
    let set = at + parent.children[at..].iter().position(|sibling| sibling.name == "targetedfeedbackset")?;
    let next = set + 1 + parent.children[set + 1..].iter().position(Node::is_element)?;
    let solution = take_solution(parent, next, explanation.as_deref())?;
    let feedback = Node { name: "targetedfeedback".into(), mark: Mark::Explanation, ..solution };
    parent.children[set].children.push(feedback);
    Some(())
}

fn take_solution(parent: &mut Node, at: usize, explanation: Option<&str>) -> Option<Node> {
    let is_meant = |node: &Node| node.name == "solution" && node.get("explanation-id") == explanation;
    if is_meant(&parent.children[at]) {
        return Some(parent.children.remove(at));
    }
    let set = &mut parent.children[at];
    let inside = set.children.iter().position(is_meant).filter(|_| set.name == "solutionset")?;
    Some(set.children.remove(inside))
}

fn last_right_explanation(question: &Node) -> Option<String> {
    let nodes = question.descendants();
    let mut right = nodes.into_iter().filter(|node| {
        node.name == "choice"
            && node.get("correct").is_some_and(|correct| correct.eq_ignore_ascii_case("true"))
    });
    right.next_back()?.get("explanation-id").map(str::to_owned)
}
