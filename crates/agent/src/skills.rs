//! Skills: what is known about making a certain kind of report, in Markdown.
//!
//! A skill is a file with a front matter of `name` and `description`, and a text for whoever
//! writes the report. A few ship with the program; a folder may add others, or replace them by name.
//! With a third line, `request`, a skill also teaches the built-in analyst: a request that names
//! the skill is read as that.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::words::words;

/// One skill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skill {
    /// What it is called by: small letters, figures and hyphens.
    pub name: String,
    /// When to use it, in one sentence.
    pub description: String,
    /// What a request that names the skill is read as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The text.
    pub body: String,
}

/// A folder of skills that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder or a file in it cannot be read.
    #[error("cannot read {}; check the path of the skills and its permissions", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A file is no skill.
    #[error("{} is no skill: {problem}; begin it with `---`, lines for name and description, and `---`", path.display())]
    Malformed {
        /// Which.
        path: PathBuf,
        /// What is missing or wrong.
        problem: String,
    },
    /// The folder is larger than any set of skills.
    #[error("{} holds more than {limit} skills; keep those this work needs", path.display())]
    TooMany {
        /// The folder.
        path: PathBuf,
        /// How many there may be.
        limit: usize,
    },
}

const SHIPPED: [&str; 5] = [
    include_str!("../skills/breakdown.md"),
    include_str!("../skills/churn.md"),
    include_str!("../skills/customer-analysis.md"),
    include_str!("../skills/quarterly-review.md"),
    include_str!("../skills/trend.md"),
];
const MOST_SKILLS: usize = 200;
const LONGEST_SKILL: u64 = 64 * 1024;

/// The skills at hand, by name.
#[derive(Debug, Clone)]
pub struct Skills(BTreeMap<String, Skill>);

impl Default for Skills {
    /// Those that ship with the program.
    fn default() -> Self {
        let shipped = SHIPPED.iter().filter_map(|text| parse(text).ok());
        Self(shipped.map(|skill| (skill.name.clone(), skill)).collect())
    }
}

impl Skills {
    /// The shipped skills and those of a folder's Markdown files; of two with one name the folder's.
    ///
    /// # Errors
    ///
    /// The folder cannot be read, or holds a Markdown file that is no skill.
    pub fn with_folder(folder: &Path) -> Result<Self, Error> {
        let unreadable = |path: &Path, source| Error::Unreadable { path: path.to_owned(), source };
        let mut skills = Self::default();
        let mut count = 0;
        for entry in fs::read_dir(folder).map_err(|e| unreadable(folder, e))? {
            let path = entry.map_err(|e| unreadable(folder, e))?.path();
            let markdown = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("md"));
            let meta = fs::metadata(&path).map_err(|e| unreadable(&path, e))?;
            if !markdown || !meta.is_file() {
                continue;
            }
            count += 1;
            if count > MOST_SKILLS {
                return Err(Error::TooMany { path: folder.to_owned(), limit: MOST_SKILLS });
            }
            let malformed = |problem: String| Error::Malformed { path: path.clone(), problem };
            if meta.len() > LONGEST_SKILL {
                return Err(malformed(format!("it has more than {LONGEST_SKILL} bytes")));
            }
            let text = fs::read_to_string(&path).map_err(|e| unreadable(&path, e))?;
            let skill = parse(&text).map_err(malformed)?;
            skills.0.insert(skill.name.clone(), skill);
        }
        Ok(skills)
    }

    /// The skill of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Skill> {
        self.0.get(name)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Skill> {
        self.0.values()
    }

    /// The skill that a request names and that says what it is read as; the longest name first.
    #[must_use]
    pub fn named_in(&self, request: &str) -> Option<&Skill> {
        let asked = words(request);
        let named = |skill: &&Skill| {
            let name = words(&skill.name);
            skill.request.is_some() && !name.is_empty() && asked.windows(name.len()).any(|part| part == name)
        };
        self.0.values().filter(named).max_by_key(|skill| skill.name.len())
    }
}

/// Reads a skill: front matter between two lines of hyphens, then the text.
fn parse(text: &str) -> Result<Skill, String> {
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let rest = text.strip_prefix("---\n").ok_or("its first line is not `---`")?;
    let (front, body) = rest.split_once("\n---").ok_or("its front matter has no end")?;
    let mut fields: BTreeMap<&str, &str> = BTreeMap::new();
    for line in front.lines().filter(|line| !line.trim().is_empty()) {
        let (key, value) =
            line.split_once(':').ok_or_else(|| format!("the line `{}` has no colon", line.trim()))?;
        fields.insert(key.trim(), value.trim().trim_matches('"'));
    }
    let field = |key: &str| fields.get(key).copied().filter(|value| !value.is_empty());
    let name = field("name").ok_or("it has no name")?;
    let usable = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.len() > 64 || !name.chars().all(usable) {
        return Err(format!("its name `{name}` has other signs than small letters, figures and hyphens"));
    }
    Ok(Skill {
        name: name.to_owned(),
        description: field("description").ok_or("it has no description")?.to_owned(),
        request: field("request").map(str::to_owned),
        body: body.trim_start_matches('-').trim().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_skills_are_all_whole() {
        let skills = Skills::default();
        let names: Vec<&str> = skills.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(names, ["breakdown", "churn", "customer-analysis", "quarterly-review", "trend"]);
        assert!(skills.iter().all(|s| s.body.len() > 100 && s.request.is_none()));
    }

    #[test]
    fn a_folder_adds_and_replaces() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write(
            "monday.md",
            "---\r\nname: monday-report\r\ndescription: For Monday's meeting.\r\nrequest: monthly revenue of the last 12 months\r\n---\r\nShort.\r\n",
        );
        write("churn.md", "---\nname: churn\ndescription: Ours.\n---\nOur own.\n");
        write("notes.txt", "no skill");
        let skills = Skills::with_folder(folder.path()).unwrap();
        assert_eq!(skills.get("churn").unwrap().body, "Our own.");
        let named = skills.named_in("please make the Monday report").unwrap();
        assert_eq!(named.request.as_deref(), Some("monthly revenue of the last 12 months"));
        assert_eq!(skills.named_in("churn"), None);

        write("broken.md", "# Not a skill\n");
        let error = Skills::with_folder(folder.path()).unwrap_err();
        assert!(error.to_string().contains("broken.md") && error.to_string().contains("---"));
    }
}
