//! The questions an analyst asks, as SQL.
//!
//! Each function gives a whole query. The statements are laid out to be read, as they are printed
//! in the document.

mod churn;
mod compare;
mod rank;
mod view;

pub(super) use churn::{ended, flow, lapsed, profiles, recency, retention, tenure};
pub(super) use compare::{matrix, movers, series};
pub(super) use rank::{cross, listing, shares, spread, tenths, top};
pub(super) use view::{Filter, View};
