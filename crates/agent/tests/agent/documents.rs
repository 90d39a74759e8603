//! Documents from files of every sort.

use std::fmt::Write as _;

use longhaul_agent::analyst::{Kind, sentences};
use longhaul_agent::data::Dataset;
use proptest::prelude::*;
use rusqlite::Connection;

use crate::support::{Files, csv, open, report, text};

fn named(name: &str, content: &str) -> Dataset {
    let files = Files::new(&[(name, content)]);
    open(&files.source(name)).unwrap()
}

/// Sales over two years and a half: growing, with a season in December, the last quarter cut short.
fn sales() -> String {
    let mut text = String::from("order_id,date,region,product,amount\n");
    let mut id = 0;
    for year in 2021..=2023 {
        for month in 1..=12 {
            if year == 2023 && month > 7 {
                break;
            }
            for day in [1, 5, 9, 13, 17, 21, 25, 28] {
                id += 1;
                let region = ["North", "South", "North", "West"][id % 4];
                let product = ["Desk", "Chair"][id % 2];
                let season = if month == 12 { 2 } else { 1 };
                let amount = (100 + id) * season;
                writeln!(text, "{id},{year}-{month:02}-{day:02},{region},{product},{amount}.50").unwrap();
            }
        }
    }
    text
}

#[test]
fn sales_in_one_file() {
    let mut data = named("sales.csv", &sales());
    let (plan, review) = report(&mut data, "quarterly review", 3);
    assert_eq!((plan.kind, review.title.as_str()), (Kind::Review, "Quarterly review: Q2 2023"));
    let said = text(&review);
    assert!(said.contains("Q3 2023 is left out: the data ends on 28 July 2023"), "{said}");
    assert!(said.contains("What moved, by region") && said.contains("What moved, by product"));
    // The order's number is no figure, and no group either.
    assert!(!said.to_lowercase().contains("order id"), "{said}");

    let trend = text(&report(&mut data, "monthly revenue and its seasons", 3).1);
    assert!(trend.contains("There is a season: December"), "{trend}");
}

#[test]
fn dates_alone() {
    let mut text_of = String::from("signed_up_at\n");
    for day in 1..=28 {
        for _ in 0..day % 5 {
            writeln!(text_of, "2024-02-{day:02} 10:00:00").unwrap();
        }
    }
    let mut data = named("signups.csv", &text_of);
    let (plan, document) = report(&mut data, "how are sign-ups doing?", 3);
    assert_eq!(plan.kind, Kind::Overview);
    let said = text(&document);
    assert!(said.contains("There were 56 signups from 1 February 2024 to 28 February 2024."), "{said}");
    assert!(said.contains("Signups by weekday"));
    assert!(said.contains("no column with amounts, so its rows are counted"));
}

#[test]
fn european_figures() {
    let content =
        "Datum;Filiale;Umsatz (€)\n31.12.2022;Köln;1.234,50\n30.12.2022;Köln;80,00\n15.01.2023;Ulm;99,90\n";
    let mut data = named("kasse.csv", content);
    let said = text(&report(&mut data, "by filiale", 3).1);
    assert!(said.contains("Köln leads the filiales with 1,314.50 EUR, 92.9% of the umsatz"), "{said}");
}

fn subscriptions() -> String {
    let mut text = String::from("customer_id,plan,start_date,end_date,mrr\n");
    for n in 0..240 {
        let (year, month) = (2022 + n / 120, n % 12 + 1);
        let basic = n % 3 != 0;
        // Two thirds are basic, half of those end in their second month.
        let ends = basic && n % 2 == 0;
        let end = if ends { format!("{year}-{month:02}-28") } else { String::new() };
        let plan = if basic { "Basic" } else { "Pro" };
        writeln!(text, "C{n:03},{plan},{year}-{month:02}-03,{end},{}", if basic { 19 } else { 79 }).unwrap();
    }
    text
}

#[test]
fn subscriptions_end() {
    let mut data = named("subscriptions.csv", &subscriptions());
    let (plan, document) = report(&mut data, "churn", 3);
    assert_eq!((plan.kind, document.title.as_str()), (Kind::Cancellations, "Churn of subscriptions"));
    let said = text(&document);
    assert!(
        said.contains("Of 240 subscriptions begun, 80 have ended (33.3%); 160 are still running."),
        "{said}"
    );
    assert!(
        said.contains(
            "By plan, most end for Basic (50.0% of 160 subscriptions), fewest for Pro (0.0% of 80)."
        )
    );
    assert!(said.contains("ended where end_date has a date"));
}

#[test]
fn a_flag_tells_who_left() {
    let mut content = String::from("customerID,Contract,tenure,MonthlyCharges,Churn\n");
    for n in 0..100 {
        let monthly = n % 2 == 0;
        let churn = if monthly && n % 4 == 0 { "Yes" } else { "No" };
        let contract = if monthly { "Month-to-month" } else { "Two year" };
        writeln!(content, "{n:04}-X,{contract},{},{}.5,{churn}", if monthly { 3 } else { 40 }, 20 + n % 7)
            .unwrap();
    }
    let mut data = named("telco.csv", &content);
    let said = text(&report(&mut data, "churn analysis", 3).1);
    assert!(said.contains("25 of 100 customers have left: 25.0%."), "{said}");
    assert!(said.contains("By contract, most leave for Month-to-month (50.0% of 50 customers), fewest for Two year (0.0% of 50)."), "{said}");
    assert!(said.contains("differ most in tenure"), "{said}");
    assert!(said.contains("no date column"));
}

#[test]
fn scores_are_averaged_never_added() {
    let mut content = String::from("date,region,score\n");
    for n in 0..90 {
        writeln!(content, "2024-0{}-{:02},{},{}", n / 30 + 1, n % 28 + 1, ["A", "B"][n % 2], 1 + n % 2 * 8)
            .unwrap();
    }
    let mut data = named("survey.csv", &content);
    let said = text(&report(&mut data, "score by region", 3).1);
    assert!(
        said.contains("The average score is highest for B (9.0) and lowest for A (1.0), among two regions."),
        "{said}"
    );
    assert!(!said.contains("Share"), "{said}");
}

#[test]
fn small_and_odd_tables_get_honest_documents() {
    for (name, content, told) in [
        (
            "one.csv",
            "name,city,amount\nAda,London,12.50\n",
            "The data has 1 record. That is too little for comparisons",
        ),
        (
            "empty.csv",
            "name,city,amount\n",
            "There is nothing to report on in empty.csv. Its only table, empty, has no rows.",
        ),
        ("words.csv", "word\nalpha\nbeta\ngamma\ndelta\n", "The data has 4 words"),
        (
            "zeros.csv",
            "day,amount\n2024-01-01,0\n2024-01-02,0\n2024-01-03,0\n2024-01-04,0\n",
            "Every day brought the same: 0",
        ),
        ("blank.csv", "day,region,amount\n2024-01-01,,\n2024-01-02,,\n", "day"),
        (
            "minus.csv",
            "day,account,amount\n2024-01-01,A,-5\n2024-01-02,B,3\n2024-01-03,A,-7\n2024-01-04,B,1\n",
            "−8",
        ),
        ("future.csv", "day,amount\n2999-12-31,5\n1000-01-01,7\n", "12"),
    ] {
        let mut data = named(name, content);
        for prompt in
            ["", "quarterly review", "by country", "top customers", "churn", "trend", "last quarter"]
        {
            let (_, document) = report(&mut data, prompt, 3);
            assert!(!sentences(&document).is_empty(), "{name} {prompt:?}");
            if prompt.is_empty() {
                assert!(text(&document).contains(told), "{name}: {}", text(&document));
            }
        }
    }
}

#[test]
fn a_database_in_another_style() {
    let files = Files::new::<&[u8]>(&[]);
    let connection = Connection::open(files.path("shop.sqlite")).unwrap();
    connection
        .execute_batch(
            "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, country TEXT);
             CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT, category TEXT, price REAL);
             CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers(id), created_at INTEGER, status TEXT);
             CREATE TABLE order_items (order_id INTEGER REFERENCES orders(id), product_id INTEGER REFERENCES products(id), quantity INTEGER, unit_price REAL);
             CREATE TABLE \"order\" (\"group\" TEXT, \"select\" REAL);
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
               INSERT INTO customers SELECT i, 'Customer ' || i, CASE i % 3 WHEN 0 THEN 'FR' WHEN 1 THEN 'DE' ELSE 'O''Land' END FROM n;
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10)
               INSERT INTO products SELECT i, 'Product ' || i, CASE i % 2 WHEN 0 THEN 'Tools' ELSE 'Toys' END, i * 2.5 FROM n;
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)
               INSERT INTO orders SELECT i, 1 + i % 40, 1577836800 + i * 170000, 'paid' FROM n;
             INSERT INTO order_items SELECT id, 1 + id % 10, 1 + id % 4, (1 + id % 10) * 2.5 FROM orders;
             INSERT INTO order_items SELECT id, 1 + (id + 3) % 10, 2, (1 + (id + 3) % 10) * 2.5 FROM orders;
             INSERT INTO \"order\" VALUES ('a', 1), ('a', 2), ('b', 3);",
        )
        .unwrap();
    drop(connection);
    let mut data = open(&files.source("shop.sqlite")).unwrap();
    for (prompt, title) in [
        ("sales by country", "Revenue by country"),
        ("by category", "Revenue by category"),
        ("top 3 products", "Top 3 products by revenue"),
        ("top customers", "Top 10 customers by revenue"),
        ("sales in O'Land by category", "Revenue by category (O'Land)"),
        ("churn", "Customer churn"),
    ] {
        let (_, document) = report(&mut data, prompt, 3);
        assert_eq!(document.title, title, "{prompt}: {}", text(&document));
    }
    // An order of several lines is one order.
    let said = text(&report(&mut data, "sales by country", 3).1);
    assert!(said.contains("Total | 25,000.00 | 100% | 400 | 62.50"), "{said}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Whatever the file and whatever the request: a document that can be set, or a clear refusal.
    #[test]
    fn any_table_and_any_request_give_a_document(
        header in proptest::collection::vec("(date|amount|region|customer_id|Total|start|end_date|score|ü|select|[a-z]{1,6})", 1..6),
        cells in proptest::collection::vec("(2024-0[1-9]-1[0-9]|[0-9]{1,4}|-?[0-9]{1,3}\\.[0-9]{2}|[A-C]|yes|no||'|[a-z ]{0,5})", 0..120),
        prompt in "(quarterly review|by region|top 3|churn|trend|monthly|Q[1-4] 202[0-9]|[a-z ]{0,20}|last 3 months|by [a-z]{1,6})",
    ) {
        let mut content = header.join(",");
        for row in cells.chunks(header.len()).filter(|row| row.len() == header.len()) {
            content.push('\n');
            content.push_str(&row.join(","));
        }
        if let Ok(mut data) = csv(content) {
            report(&mut data, &prompt, 4);
        }
    }
}
