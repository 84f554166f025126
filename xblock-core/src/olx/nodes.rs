//! The content of an element. What would call itself for each level of a tree goes by a list of its own here, because
//! a tree can be deeper than the stack.

use std::ops::{Deref, DerefMut};

use super::element::{Element, Node};

/// A list of nodes, used as the `Vec` it is.
#[derive(Debug, Default)]
pub struct Nodes(Vec<Node>);

impl Deref for Nodes {
    type Target = Vec<Node>;

    fn deref(&self) -> &Vec<Node> {
        &self.0
    }
}

impl DerefMut for Nodes {
    fn deref_mut(&mut self) -> &mut Vec<Node> {
        &mut self.0
    }
}

impl From<Vec<Node>> for Nodes {
    fn from(nodes: Vec<Node>) -> Self {
        Self(nodes)
    }
}

impl FromIterator<Node> for Nodes {
    fn from_iter<I: IntoIterator<Item = Node>>(nodes: I) -> Self {
        Self(nodes.into_iter().collect())
    }
}

impl IntoIterator for Nodes {
    type Item = Node;
    type IntoIter = std::vec::IntoIter<Node>;

    fn into_iter(mut self) -> Self::IntoIter {
        std::mem::take(&mut self.0).into_iter()
    }
}

impl<'n> IntoIterator for &'n Nodes {
    type Item = &'n Node;
    type IntoIter = std::slice::Iter<'n, Node>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<'n> IntoIterator for &'n mut Nodes {
    type Item = &'n mut Node;
    type IntoIter = std::slice::IterMut<'n, Node>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter_mut()
    }
}

fn is_leaf(node: &Node) -> bool {
    node.as_element().is_none_or(|element| element.children.is_empty())
}

impl Drop for Nodes {
    fn drop(&mut self) {
        if self.0.iter().all(is_leaf) {
            return;
        }
        let mut waiting = std::mem::take(&mut self.0);
        while let Some(mut node) = waiting.pop() {
            if let Node::Element(element) = &mut node {
                waiting.append(&mut element.children.0);
            }
        }
    }
}

impl Clone for Nodes {
    fn clone(&self) -> Self {
        struct Open<'n> {
            rest: std::slice::Iter<'n, Node>,
            done: Vec<Node>,
            /// The copy these are the children of; none for the outermost list.
            element: Option<Box<Element>>,
        }
        let open = |nodes: &'_ [Node]| -> Vec<Node> { Vec::with_capacity(nodes.len()) };
        let mut stack = vec![Open { rest: self.0.iter(), done: open(&self.0), element: None }];
        while let Some(top) = stack.last_mut() {
            match top.rest.next() {
                Some(Node::Element(element)) => {
                    let copy = Box::new(element.without_content());
                    if element.children.is_empty() {
                        top.done.push(Node::Element(copy));
                    } else {
                        let nodes = &element.children.0;
                        stack.push(Open { rest: nodes.iter(), done: open(nodes), element: Some(copy) });
                    }
                }
                Some(node) => top.done.push(match node {
                    Node::Text(chars) => Node::Text(chars.clone()),
                    Node::CData(chars) => Node::CData(chars.clone()),
                    Node::Comment(chars) => Node::Comment(chars.clone()),
                    Node::ProcessingInstruction(instruction) => {
                        Node::ProcessingInstruction(instruction.clone())
                    }
                    Node::Element(_) => continue,
                }),
                None => {
                    let Some(Open { done, element, .. }) = stack.pop() else { break };
                    match (element, stack.last_mut()) {
                        (Some(mut element), Some(outer)) => {
                            element.children = Self(done);
                            outer.done.push(Node::Element(element));
                        }
                        _ => return Self(done),
                    }
                }
            }
        }
        Self::default()
    }
}

impl PartialEq for Nodes {
    fn eq(&self, other: &Self) -> bool {
        let mut waiting = vec![(&self.0, &other.0)];
        while let Some((left, right)) = waiting.pop() {
            if left.len() != right.len() {
                return false;
            }
            for pair in left.iter().zip(right) {
                let is_equal = match pair {
                    (Node::Element(left), Node::Element(right)) => {
                        waiting.push((&left.children.0, &right.children.0));
                        left.is_equal_outside(right)
                    }
                    (Node::Text(left), Node::Text(right))
                    | (Node::CData(left), Node::CData(right))
                    | (Node::Comment(left), Node::Comment(right)) => left == right,
                    (Node::ProcessingInstruction(left), Node::ProcessingInstruction(right)) => left == right,
                    _ => false,
                };
                if !is_equal {
                    return false;
                }
            }
        }
        true
    }
}

impl Eq for Nodes {}

impl Element {
    /// Copies the element without what stands inside it.
    #[must_use]
    pub fn without_content(&self) -> Self {
        Self {
            name: self.name.clone(),
            attributes: self.attributes.clone(),
            children: Nodes::default(),
            namespaces: self.namespaces.clone(),
            origin: self.origin.clone(),
        }
    }

    /// Compares everything but what stands inside.
    fn is_equal_outside(&self, other: &Self) -> bool {
        self.name == other.name
            && self.attributes == other.attributes
            && self.namespace() == other.namespace()
            && self
                .attributes
                .iter()
                .filter(|a| a.name.contains(':'))
                .all(|attribute| self.attribute_name(attribute) == other.attribute_name(attribute))
    }
}

impl PartialEq for Element {
    fn eq(&self, other: &Self) -> bool {
        self.is_equal_outside(other) && self.children == other.children
    }
}

impl Eq for Element {}
