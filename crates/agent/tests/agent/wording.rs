//! What the sentences of a report may and may not say.

use longhaul_agent::analyst::sentences;

use crate::support::{chinook, csv, report, text};

#[test]
fn those_who_have_the_same_share_their_place() {
    let mut data = chinook();
    let said = text(&report(&mut data, "top 3 tracks", 3).1);
    assert!(said.contains("share the first place with revenue of 3.98 each"), "{said}");
    assert!(said.contains("the revenue is level at 3.98"), "{said}");
    assert!(!said.contains("ahead of") && !said.contains("from 3.98 to 3.98"), "{said}");

    let mut data = csv("shop,amount\nNorth,5\nSouth,5\nEast,3\n").unwrap();
    let said = text(&report(&mut data, "amount by shop", 3).1);
    assert!(said.contains("North and South share the lead with 5 each, 38.5% of the"), "{said}");
}

#[test]
fn the_words_for_a_share_follow_from_it() {
    let mut data = chinook();
    for (prompt, said, never) in [
        ("top 3 tracks", "more than their number, but little of the whole", "far more"),
        ("top 12 genres", "more than their number.", "hardly"),
        ("top 20 genres", "more than their number.", "hardly"),
    ] {
        let summary = sentences(&report(&mut data, prompt, 3).1).join("\n");
        assert!(summary.contains(said), "{prompt}: {summary}");
        assert!(!summary.contains(never), "{prompt}: {summary}");
    }
    for n in 1..=50 {
        for of in ["customers", "tracks", "artists", "countries"] {
            let summary = sentences(&report(&mut data, &format!("top {n} {of}"), 3).1).join("\n");
            let opposite = summary.contains("far more") && summary.contains("spread widely");
            assert!(!opposite, "top {n} {of}: {summary}");
        }
    }
}

#[test]
fn the_summary_says_what_of_the_request_was_not_done() {
    let mut data = chinook();
    for (prompt, told) in [
        ("review of 1850", "The request asks for 1850; the data runs from 1 January 2007"),
        (
            "umsatz nach land",
            "Of the request, the words \"umsatz\", \"nach\", \"land\" were not understood; this is an overview.",
        ),
        (
            "tell me a joke about penguins",
            "Of the request, the words \"joke\", \"penguins\" were not understood; this is an overview.",
        ),
        (
            "sales by country on Jupiter",
            "the word \"jupiter\" was not understood; the report goes by the rest.",
        ),
        ("top 3 tracks by playtime in 2012", "figures by playtime; the data has no column for that"),
        ("top 3 tracks by playtime in 2012", "The request asks for 2012; the data runs from"),
        ("profit by country", "The request asks for profit; the data has no such figure."),
    ] {
        let summary = sentences(&report(&mut data, prompt, 3).1).join("\n");
        assert!(summary.contains(told), "{prompt}: {summary}");
    }
}

#[test]
fn what_was_understood_is_not_called_misunderstood() {
    let mut data = chinook();
    for prompt in [
        "",
        "How is business?",
        "Please give me an overview of the Chinook data",
        "Quarterly review of 2010",
        "revenue per genre in Germany",
        "compare USA and Canada",
        "which customers are at risk",
        "customers inactive for 6 months",
        "Which sales rep sells the most?",
        "How did revenue develop over the past 6 months, by country and genre?",
        "top 10 artists in 2010",
        "who are our five best customers",
        "growth over the years",
        "What happened in the 3rd quarter of 2010?",
        "2010-01-01 to 2010-06-30",
        "units sold by media type",
        "average invoice by country since 2009",
    ] {
        let (plan, _) = report(&mut data, prompt, 3);
        assert_eq!(plan.notices, Vec::<String>::new(), "{prompt}");
    }
}

#[test]
fn a_review_of_a_year_tells_of_the_year_as_a_whole() {
    let mut data = chinook();
    for (prompt, title, told) in [
        (
            "quarterly review of 2010",
            "Quarterly review of 2010: Q4 2010",
            "2010 as a whole brought 463.67, 4.1% less than in 2009 (483.44).",
        ),
        ("quarterly review of 2007", "Quarterly review of 2007: Q4 2007", "2007 as a whole brought 449.46."),
        ("monthly review of 2010", "Monthly review of 2010: December 2010", "2010 as a whole brought 463.67"),
    ] {
        let document = report(&mut data, prompt, 3).1;
        assert_eq!(document.title, title);
        let summary = sentences(&document).join("\n");
        assert!(summary.contains(told), "{prompt}: {summary}");
    }
}

#[test]
fn what_is_too_large_to_be_computed_is_said() {
    let mut data = csv("shop,amount\nNorth,1.0e308\nNorth,1.5e308\nSouth,1.2e308\nSouth,1.4e308\n").unwrap();
    let said = text(&report(&mut data, "top 3 shops", 3).1);
    assert!(said.contains("No shop can be ranked: the amount of each is not given, or too large"), "{said}");
    let mut data =
        csv("shop,amount\nNorth,1.0e308\nNorth,1.5e308\nSouth,2.5\nSouth,1.5\nEast,1.0\nEast,1.0\n").unwrap();
    let said = text(&report(&mut data, "top 3 shops", 3).1);
    assert!(
        said.contains("The list leaves out 1 shop, where the amount is not given, or too large"),
        "{said}"
    );
}
