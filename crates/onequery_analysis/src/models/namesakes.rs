//! Models of one name, of which the nearest is meant.

use rustc_hash::FxHashMap;

use super::folder;
use crate::program::{ClassId, Program};
use crate::value::Ty;

/// Of how many models each is looked at.
const FEW: usize = 16;

/// The distance of a model that is neither in the app that is named nor in the same folder, and that of one that a library
/// declares where no app is named.
const FAR: [u32; 2] = [2, 3];

/// The models of one name. In a tree of many projects, each has a user.
#[derive(Debug, Default)]
pub(crate) struct Namesakes {
    /// In the order of files and places in them.
    pub(super) all: Vec<ClassId>,
    /// Those that are to be looked at for an app, by its name, and for models in a folder, if they are many.
    by_app: FxHashMap<Box<str>, Vec<ClassId>>,
    by_folder: FxHashMap<Box<str>, Vec<ClassId>>,
    /// The project's own, if they are many.
    own: Vec<ClassId>,
}

impl Namesakes {
    /// Those among which the nearest one is, and those that are left if it is far away.
    fn among(&self, app: &str, path: &str) -> [&[ClassId]; 2] {
        if self.all.len() <= FEW {
            return [&self.all, &self.all];
        }
        let near = if app.is_empty() {
            self.by_folder.get(folder(path))
        } else {
            self.by_app.get(app)
        };
        let far = if app.is_empty() && !self.own.is_empty() {
            &self.own
        } else {
            &self.all
        };
        // That they are more than one is all that matters.
        [near.map_or(&[], Vec::as_slice), &far[..far.len().min(2)]]
    }
}

/// The apps that a path may be in: its parts.
fn apps(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| part.split('.').next())
}

impl Program<'_> {
    pub(super) fn namesakes(&self, all: Vec<ClassId>) -> Namesakes {
        let mut namesakes = Namesakes::default();
        if all.len() > FEW {
            let path = |class: ClassId| self.path(self.class(class).file);
            for &class in &all {
                for app in apps(path(class)) {
                    let in_app = namesakes.by_app.entry(app.into()).or_default();
                    if in_app.last() != Some(&class) {
                        in_app.push(class);
                    }
                }
                let in_folder = namesakes.by_folder.entry(folder(path(class)).into());
                in_folder.or_default().push(class);
            }
            let own = all.iter().filter(|class| !self.is_stub(self.class(**class).file));
            namesakes.own = own.copied().collect();
        }
        Namesakes { all, ..namesakes }
    }

    /// The only candidate that is nearest to an app, or to a path when no app is named.
    pub(super) fn nearest(&self, app: &str, own_path: &str, namesakes: &Namesakes) -> Ty {
        let app = app.rsplit('.').next().unwrap_or(app);
        let distance = |candidate: &ClassId| {
            let file = self.class(*candidate).file;
            let path = self.path(file);
            if !app.is_empty() {
                return if apps(path).any(|part| part == app) {
                    0
                } else {
                    FAR[0]
                };
            }
            match () {
                () if path == own_path => 0,
                () if self.is_stub(file) => FAR[1],
                () if folder(path) == folder(own_path) => 1,
                () => FAR[0],
            }
        };
        let [near, far] = namesakes.among(app, own_path);
        let is_near = |candidate| distance(candidate) < FAR[0];
        let candidates = if near.iter().any(is_near) { near } else { far };
        let nearest = candidates.iter().map(distance).min();
        let mut of_those = candidates
            .iter()
            .filter(|candidate| Some(distance(candidate)) == nearest);
        match (of_those.next(), of_those.next()) {
            (Some(&only), None) => Ty::Instance(only),
            _ => Ty::Unknown,
        }
    }
}
