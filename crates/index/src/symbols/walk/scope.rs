//! What holds inside the nodes around a place: containers, members, locals, roles.

use super::{Walk, is_name};
use crate::symbols::{
    Kind, Outline, Role,
    outline::{Container, Named},
};
use tree_sitter::Node;

/// What holds inside a node.
pub(super) struct Frame {
    /// The depth of the node's children.
    pub(super) from: u32,
    named: Option<Named>,
    /// The number of the container, once something is in it.
    container: Option<u32>,
    /// The nearest frame with a name, this or one further out.
    nearest: Option<usize>,
    /// How many frames with a name there are up to here.
    level: u32,
    pub(super) members: bool,
    pub(super) local: bool,
    pub(super) role: Option<Role>,
}

impl Frame {
    /// The file itself, which has no name here.
    pub(super) fn of_file() -> Self {
        Self {
            from: 0,
            named: None,
            container: None,
            nearest: None,
            level: 0,
            members: false,
            local: false,
            role: None,
        }
    }
}

impl Walk<'_> {
    /// Whether variables here are local.
    pub(in crate::symbols) fn local(&self) -> bool {
        self.frame().local
    }

    /// How many names enclose what is here.
    pub(in crate::symbols) fn level(&self) -> u32 {
        self.frame().level
    }

    /// What is in the node that is visited is in the definition.
    pub(in crate::symbols) fn enter_definition(&mut self, definition: u32) {
        let Some(kind) = self
            .definitions
            .get(definition as usize)
            .map(|(definition, _)| definition.kind)
        else {
            return;
        };
        let mut frame = self.inner_frame();
        frame.members = kind.has_members();
        frame.local = !frame.members && (frame.local || kind.has_locals());
        self.push_named(frame, Named::Definition(definition));
    }

    /// So too, and what it defines are members, whatever its kind.
    #[cfg(feature = "languages-extra")]
    pub(in crate::symbols) fn enter_type(&mut self, definition: u32) {
        let mut frame = self.inner_frame();
        frame.members = true;
        frame.local = false;
        self.push_named(frame, Named::Definition(definition));
    }

    /// What follows the node in its parent, and what is in the node, is in the definition.
    pub(in crate::symbols) fn enter_rest(&mut self, definition: u32) {
        let mut frame = self.inner_frame();
        frame.from = if self.headings.is_empty() {
            self.depth
        } else {
            0
        };
        self.push_named(frame, Named::Definition(definition));
    }

    /// Ends what [`Walk::enter_rest`] began at this depth.
    #[cfg(feature = "languages-extra")]
    pub(in crate::symbols) fn leave_rest(&mut self) {
        while self.frames.len() > 1 && self.frame().from == self.depth {
            self.frames.pop();
        }
    }

    /// What is inside is in a namespace that is only named.
    pub(in crate::symbols) fn enter_scope(&mut self, name: &str) {
        if !is_name(name) {
            return;
        }
        let frame = self.inner_frame();
        self.push_named(frame, Named::Text(name.into()));
    }

    /// What is inside lies too deep to be defined.
    pub(in crate::symbols) fn enter_deepest(&mut self) {
        let mut frame = self.inner_frame();
        frame.level = Outline::MAX_DEPTH;
        self.frames.push(frame);
    }

    /// What is in the node that is visited has these containers, the outermost first, which are defined elsewhere.
    pub(in crate::symbols) fn enter_inside(&mut self, names: &[Node<'_>]) {
        for name in names {
            let name = self.text_of(self.last_name(*name).unwrap_or(*name));
            self.enter_named(name);
        }
    }

    /// So too, by text.
    pub(in crate::symbols) fn enter_named(&mut self, name: &str) {
        if !is_name(name) {
            return;
        }
        let mut frame = self.inner_frame();
        frame.members = true;
        frame.local = false;
        self.push_named(frame, Named::Text(name.into()));
    }

    /// How many frames there are, for [`Walk::leave_to`].
    pub(in crate::symbols) fn frames(&self) -> usize {
        self.frames.len()
    }

    /// Ends the frames after the first ones before their node does.
    pub(in crate::symbols) fn leave_to(&mut self, frames: usize) {
        self.frames.truncate(frames.max(1));
    }

    pub(in crate::symbols) fn enter_body(&mut self) {
        let mut frame = self.inner_frame();
        frame.members = false;
        frame.local = true;
        self.frames.push(frame);
    }

    /// A heading goes on to the next one that is as large.
    pub(in crate::symbols) fn enter_heading(
        &mut self,
        whole: Node<'_>,
        at: Node<'_>,
        name: &str,
        level: u8,
    ) {
        self.close_headings(level, whole.start_position().row as u32);
        if let Some(definition) = self.define_as(whole, at, name, Kind::Heading) {
            self.headings.push((level, definition));
            self.enter_rest(definition);
        }
    }

    pub(super) fn close_headings(&mut self, level: u8, last_line: u32) {
        while let Some((_, heading)) = self.headings.pop_if(|(open, _)| *open >= level) {
            self.set_last_line(heading, last_line);
            self.leave_to(self.frames.len() - 1);
        }
    }

    fn set_last_line(&mut self, definition: u32, line: u32) {
        if let Some((definition, _)) = self.definitions.get_mut(definition as usize) {
            definition.last_line = line.max(definition.first_line);
        }
    }

    pub(super) fn frame(&self) -> &Frame {
        // The first frame is never taken away.
        &self.frames[self.frames.len() - 1]
    }

    pub(super) fn inner_frame(&self) -> Frame {
        let outer = self.frame();
        Frame {
            from: self.depth + 1,
            named: None,
            container: None,
            nearest: outer.nearest,
            level: outer.level,
            members: outer.members,
            local: outer.local,
            role: outer.role,
        }
    }

    fn push_named(&mut self, mut frame: Frame, name: Named) {
        // Deeper ones are taken for part of the last.
        if frame.level < Outline::MAX_DEPTH {
            frame.level += 1;
            frame.named = Some(name);
            frame.nearest = Some(self.frames.len());
        }
        self.frames.push(frame);
    }

    /// The number of the container of what is here. Each frame becomes one when the first definition comes.
    pub(super) fn container(&mut self) -> Option<u32> {
        let mut new = Vec::new();
        let mut next = self.frame().nearest;
        let mut container = None;
        while let Some(frame) = next {
            if let Some(number) = self.frames[frame].container {
                container = Some(number);
                break;
            }
            new.push(frame);
            next = frame
                .checked_sub(1)
                .and_then(|outer| self.frames[outer].nearest);
        }
        for frame in new.into_iter().rev() {
            let frame = &mut self.frames[frame];
            let Some(named) = frame.named.clone() else {
                continue;
            };
            self.containers.push(Container {
                named,
                parent: container,
            });
            container = Some(self.containers.len() as u32 - 1);
            frame.container = container;
        }
        container
    }
}
