//! What the analyst makes of requests: kinds, titles, sections, figures.

use std::collections::HashSet;

use longhaul_agent::analyst::{Answer, Brief, Kind, plan, sentences, write};
use rusqlite::Connection;

use crate::support::{chinook, report, text};

#[test]
fn the_words_of_a_request_decide_what_is_made() {
    let mut data = chinook();
    for (prompt, kind, title, first) in [
        ("", Kind::Overview, "Revenue overview, 2007 to 2011", "Revenue by quarter"),
        ("How is business?", Kind::Overview, "Revenue overview, 2007 to 2011", "Revenue by quarter"),
        ("quarterly review", Kind::Review, "Quarterly review: Q4 2011", "Revenue by quarter"),
        ("Quarterly review of 2010", Kind::Review, "Quarterly review of 2010: Q4 2010", "Revenue by quarter"),
        ("Q3 2010", Kind::Review, "Quarterly review: Q3 2010", "Revenue by quarter"),
        ("last quarter", Kind::Review, "Quarterly review: Q4 2011", "Revenue by quarter"),
        ("annual report 2010", Kind::Review, "Annual review: 2010", "Revenue by year"),
        ("monthly review", Kind::Review, "Monthly review: November 2011", "Revenue by month"),
        ("sales by country", Kind::Breakdown, "Revenue by country", "Revenue by country"),
        ("revenue per genre in Germany", Kind::Breakdown, "Revenue by genre (Germany)", "Revenue by genre"),
        ("sales by country and genre", Kind::Breakdown, "Revenue by country and genre", "Revenue by country"),
        ("rock music by country", Kind::Breakdown, "Revenue by country (Rock)", "Revenue by country"),
        ("compare USA and Canada", Kind::Breakdown, "Revenue by country (USA, Canada)", "Revenue by country"),
        ("how many tracks by genre", Kind::Breakdown, "Tracks by genre", "Tracks by genre"),
        ("customers by country", Kind::Breakdown, "Customers by country", "Customers by country"),
        (
            "average invoice by country",
            Kind::Breakdown,
            "Average revenue per invoice by country",
            "Average revenue per invoice by country",
        ),
        ("units sold by genre", Kind::Breakdown, "Quantity by genre", "Quantity by genre"),
        ("top customers", Kind::Ranking, "Top 10 customers by revenue", "The first 10 customers"),
        ("our five best customers", Kind::Ranking, "Top 5 customers by revenue", "The first 5 customers"),
        ("top 5 genres", Kind::Ranking, "Top 5 genres by revenue", "The first 5 genres"),
        ("worst 3 countries", Kind::Ranking, "Bottom 3 countries by revenue", "The last 3 countries"),
        (
            "Which sales rep sells the most?",
            Kind::Ranking,
            "Top 3 support reps by revenue",
            "The first 3 support reps",
        ),
        ("top 10 artists in 2010", Kind::Ranking, "Top 10 artists by revenue, 2010", "The first 10 artists"),
        ("customer analysis", Kind::Ranking, "Top 10 customers by revenue", "The first 10 customers"),
        ("monthly revenue", Kind::Trend, "Revenue by month, 2007 to 2011", "Revenue by month"),
        ("growth over the years", Kind::Trend, "Revenue by year, 2007 to 2011", "Revenue by year"),
        (
            "which genres are growing",
            Kind::Trend,
            "Revenue over time by genre, 2007 to 2011",
            "Revenue by quarter",
        ),
        ("how many invoices per month", Kind::Trend, "Invoices by month, 2007 to 2011", "Invoices by month"),
        ("churn", Kind::Churn, "Customer churn", "Who is still there"),
        ("which customers are at risk", Kind::Churn, "Customer churn", "Who is still there"),
    ] {
        let (plan, document) = report(&mut data, prompt, 3);
        assert_eq!((plan.kind, document.title.as_str()), (kind, title), "{prompt:?}");
        assert_eq!(document.sections[0].heading, first, "{prompt:?}");
        assert!(!sentences(&document).is_empty(), "{prompt:?}");
        assert_eq!(document.queries.len(), plan.queries.len());
        assert!(plan.queries.len() <= 3 && !plan.queries.is_empty(), "{prompt:?}");
        let request = document.facts.iter().find(|(label, _)| label == "Request");
        assert_eq!(request.map_or("", |(_, said)| said), prompt);
    }
}

#[test]
fn different_requests_give_different_documents() {
    let mut data = chinook();
    let prompts =
        ["quarterly review", "sales by country", "top customers", "churn", "monthly revenue", "overview"];
    let bodies: HashSet<String> =
        prompts.iter().map(|prompt| text(&report(&mut data, prompt, 3).1)).collect();
    assert_eq!(bodies.len(), prompts.len());
    for prompt in prompts {
        let again = text(&report(&mut data, prompt, 3).1);
        assert!(bodies.contains(&again), "the same request gives the same document: {prompt}");
    }
}

/// A figure from the sample, by SQL that the analyst does not use.
fn truth(sql: &str) -> f64 {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), longhaul_agent::sample::chinook()).unwrap();
    Connection::open(file.path()).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn the_figures_are_the_data_s() {
    let mut data = chinook();
    let (_, review) = report(&mut data, "quarterly review", 3);
    let review = text(&review);
    let quarter = truth(
        "SELECT sum(Total) FROM Invoice WHERE substr(InvoiceDate, 1, 7) IN ('2011-10', '2011-11', '2011-12')",
    );
    let before = truth(
        "SELECT sum(Total) FROM Invoice WHERE substr(InvoiceDate, 1, 7) IN ('2011-07', '2011-08', '2011-09')",
    );
    let change = (quarter / before - 1.0) * 100.0;
    let told =
        format!("Revenue was {quarter:.2} in Q4 2011: {change:.1}% more than in Q3 2011 ({before:.2})");
    assert!(review.contains(&told), "{told}\n{review}");
    let rock = truth(
        "SELECT sum(l.UnitPrice * l.Quantity) FROM InvoiceLine l, Track t, Genre g, Invoice i \
         WHERE l.TrackId = t.TrackId AND t.GenreId = g.GenreId AND g.Name = 'Rock' AND l.InvoiceId = i.InvoiceId \
         AND i.InvoiceDate BETWEEN '2011-10-01' AND '2011-12-31'",
    );
    assert!(review.contains(&format!("Rock | {rock:.2} |")), "{review}");

    let (_, countries) = report(&mut data, "sales by country", 3);
    let countries = text(&countries);
    let usa = truth("SELECT sum(Total) FROM Invoice WHERE BillingCountry = 'USA'");
    let all = truth("SELECT sum(Total) FROM Invoice");
    let share = usa / all * 100.0;
    assert!(
        countries.contains(&format!("USA leads the countries with {usa:.2}, {share:.1}% of the revenue"))
    );
    assert!(countries.contains("Total | 2,328.60 | 100% | 412 |"));
    let in_2011 =
        truth("SELECT sum(Total) FROM Invoice WHERE BillingCountry = 'USA' AND InvoiceDate LIKE '2011%'");
    assert!(countries.contains(&format!(" | {in_2011:.2}\n")), "{countries}");

    let (_, customers) = report(&mut data, "top customers", 3);
    let customers = text(&customers);
    let first = truth("SELECT max(s) FROM (SELECT sum(Total) s FROM Invoice GROUP BY CustomerId)");
    assert!(customers.contains(&format!("Helena Holý (Czech Republic) is first with revenue of {first:.2}")));

    let (_, churn) = report(&mut data, "churn", 3);
    let lapsed = truth(
        "SELECT count(*) FROM Customer c WHERE NOT EXISTS (SELECT 1 FROM Invoice i WHERE i.CustomerId = c.CustomerId \
         AND i.InvoiceDate >= date('2011-12-22', '-365 days'))",
    );
    assert!(text(&churn).contains(&format!("{lapsed} of 59 customers have lapsed")));
}

#[test]
fn the_budget_is_kept_and_what_it_costs_is_said() {
    let mut data = chinook();
    for (budget, expected) in [(0, 0), (1, 1), (2, 2), (3, 3), (10, 4)] {
        let (plan, document) = report(&mut data, "overview", budget);
        assert!(plan.queries.len() <= budget as usize);
        assert!(plan.queries.len() >= expected.min(3), "{budget}: {}", plan.queries.len());
        let said = text(&document);
        assert_eq!(said.contains("left no room for"), budget < 3, "{budget}: {said}");
        assert_eq!(said.contains("No query was allowed"), budget == 0);
    }
}

#[test]
fn what_the_data_cannot_tell_is_said() {
    let mut data = chinook();
    for (prompt, told) in [
        ("profit by country", "The request asks for profit; the data has no such figure."),
        ("revenue by planet", "The request asks for figures by planet; the data has no column for that"),
        (
            "sales in 2015",
            "The request asks for 2015; the data runs from 1 January 2007 to 22 December 2011.",
        ),
        ("how many employees by title", "The table Employee has no date column"),
        ("forecast for next year", "forecasts nothing"),
    ] {
        let said = text(&report(&mut data, prompt, 3).1);
        assert!(said.contains(told), "{prompt}: {said}");
    }
}

#[test]
fn a_failed_query_leaves_a_document_that_says_so() {
    let data = chinook();
    let brief = Brief { prompt: "sales by country".to_owned(), queries: 3, prepared_on: None };
    let plan = plan(data.schema(), &brief);
    let answers = vec![Answer::Failed("it took too long".to_owned()); plan.queries.len()];
    let document = write(&plan, &answers);
    document.check(&longhaul_document::Limits::default()).unwrap();
    assert!(text(&document).contains("gave nothing: it took too long"));
    assert_eq!(document.queries.len(), 3);
}

#[test]
fn plans_and_answers_can_be_recorded_and_taken_up_again() {
    let mut data = chinook();
    let mut plans = Vec::new();
    for prompt in ["overview", "Q3 2010", "by genre", "top 5 artists", "churn", "monthly revenue in Canada"] {
        let (plan, document) = report(&mut data, prompt, 5);
        let json = serde_json::to_string(&plan).unwrap();
        let read: longhaul_agent::analyst::Plan = serde_json::from_str(&json).unwrap();
        assert_eq!(read, plan);
        let answers: Vec<Answer> =
            read.queries.iter().map(|q| Answer::Rows(data.query(&q.sql).unwrap())).collect();
        let json = serde_json::to_string(&answers).unwrap();
        let answers: Vec<Answer> = serde_json::from_str(&json).unwrap();
        assert_eq!(text(&write(&read, &answers)), text(&document));
        plans.push(read);
    }
}
