//! What a list of tasks may show of each.

use crate::store::SortBy;

/// A column of the list of tasks. What a task is for is always there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Column {
    Id,
    Status,
    Progress,
    Step,
    Org,
    User,
    Kind,
    Executor,
    Attempt,
    Tokens,
    Age,
}

impl Column {
    /// All of them, in the order of the list.
    pub(crate) const ALL: [Self; 11] = [
        Self::Id,
        Self::Status,
        Self::Progress,
        Self::Step,
        Self::Org,
        Self::User,
        Self::Kind,
        Self::Executor,
        Self::Attempt,
        Self::Tokens,
        Self::Age,
    ];

    /// Those that are shown where nothing was chosen.
    pub(crate) fn usual(wide: bool) -> Vec<Self> {
        let shown = |column: &Self| match column {
            Self::Id | Self::Status | Self::Progress | Self::Step | Self::Age => true,
            Self::User => wide,
            Self::Org | Self::Kind | Self::Executor | Self::Attempt | Self::Tokens => false,
        };
        Self::ALL.into_iter().filter(shown).collect()
    }

    /// Its heading.
    pub(crate) fn heading(self) -> &'static str {
        match self {
            Self::Id => "ID",
            Self::Status => "Status",
            Self::Progress => "Progress",
            Self::Step => "Step",
            Self::Org => "Org",
            Self::User => "User",
            Self::Kind => "Kind",
            Self::Executor => "Executor",
            Self::Attempt => "Try",
            Self::Tokens => "Tokens",
            Self::Age => "Age",
        }
    }

    /// What commands and settings call it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Status => "status",
            Self::Progress => "progress",
            Self::Step => "step",
            Self::Org => "org",
            Self::User => "user",
            Self::Kind => "kind",
            Self::Executor => "executor",
            Self::Attempt => "attempt",
            Self::Tokens => "tokens",
            Self::Age => "age",
        }
    }

    /// The column of that name.
    pub(crate) fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.word() == word)
    }

    /// How a click on its heading sorts.
    pub(crate) fn sorts(self) -> Option<SortBy> {
        match self {
            Self::Status => Some(SortBy::Status),
            Self::Progress => Some(SortBy::Progress),
            Self::Tokens => Some(SortBy::Tokens),
            Self::Age => Some(SortBy::Age),
            _ => None,
        }
    }
}
