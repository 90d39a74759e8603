//! What is true of documents in the formats that are not typeset.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};

use longhaul_document::{Document, Format};

use crate::tests::samples;
use crate::{Options, set};

/// What each sample is in a format.
fn files(format: Format) -> Vec<(&'static str, Vec<u8>)> {
    let file = |(name, document): (&'static str, Document)| {
        (name, set(&document, format, &Options::default()).unwrap())
    };
    samples().into_iter().map(file).collect()
}

#[test]
fn the_same_document_gives_the_same_bytes() {
    for format in [Format::Html, Format::Markdown, Format::Docx] {
        assert_eq!(files(format), files(format), "{format}");
    }
}

#[test]
fn html_runs_nothing_and_fetches_nothing() {
    for (name, html) in files(Format::Html) {
        let html = String::from_utf8(html).unwrap();
        for forbidden in ["<script", "<img", "<iframe", "<link", "<object", " src=", " on", "@import", "url("]
        {
            // What a text says of them is no markup.
            let tags =
                html.split('<').skip(1).map(|tag| format!("<{}", tag.split('>').next().unwrap_or_default()));
            let found = tags.filter(|tag| !tag.contains("aria-label")).find(|tag| tag.contains(forbidden));
            assert_eq!(found, None, "{name}: {forbidden}");
        }
        assert!(html.contains("default-src 'none'"));
        for link in html.split("href=\"").skip(1) {
            assert!(link.starts_with("#section-"), "{name}: {}", link.split('"').next().unwrap_or_default());
        }
    }
}

#[test]
fn every_format_tells_every_figure() {
    let (_, document) = &samples()[0];
    let figures = ["125.86", "914.25", "Helena Holý", "Czech Republic", "Rock"];
    for format in [Format::Html, Format::Markdown] {
        let text = String::from_utf8(set(document, format, &Options::default()).unwrap()).unwrap();
        for figure in figures {
            assert!(text.contains(figure), "{format}: {figure}");
        }
    }
    let parts = parts(&set(document, Format::Docx, &Options::default()).unwrap());
    for figure in figures {
        assert!(parts["word/document.xml"].contains(figure), "{figure}");
    }
    // Word draws the charts from these.
    assert!(parts["word/charts/chart1.xml"].contains("<c:v>125.86</c:v>"));
}

/// The parts of a Word file.
fn parts(docx: &[u8]) -> BTreeMap<String, String> {
    let mut archive = zip::ZipArchive::new(Cursor::new(docx)).unwrap();
    let many = archive.len();
    let mut read = |at| {
        let mut file = archive.by_index(at).unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        (file.name().unwrap().into_owned(), text)
    };
    (0..many).map(&mut read).collect()
}

#[test]
fn the_parts_of_a_word_file_name_each_other_and_are_well_formed() {
    for (name, docx) in files(Format::Docx) {
        let parts = parts(&docx);
        let relations = &parts["word/_rels/document.xml.rels"];
        for target in attributes(relations, "Target") {
            assert!(parts.contains_key(&format!("word/{target}")), "{name}: {target}");
            assert!(parts["[Content_Types].xml"].contains(&format!("/word/{target}")), "{name}: {target}");
        }
        let ids: Vec<_> = attributes(relations, "Id").collect();
        for id in attributes(&parts["word/document.xml"], "r:id") {
            assert!(ids.contains(&id), "{name}: {id}");
        }
        for (path, xml) in &parts {
            well_formed(xml).unwrap_or_else(|why| panic!("{name}, {path}: {why}"));
        }
    }
}

/// The values of all attributes of a name.
fn attributes<'a>(xml: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let begin = format!(" {name}=\"");
    let values: Vec<_> = xml.split(&begin).skip(1).filter_map(|rest| rest.split('"').next()).collect();
    values.into_iter()
}

/// Whether every element that is opened is closed, in order.
fn well_formed(xml: &str) -> Result<(), String> {
    let mut open = Vec::new();
    for tag in xml.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').ok_or_else(|| format!("<{tag} does not end"))?;
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default();
        if tag.starts_with('?') || tag.ends_with('/') {
            continue;
        }
        if !tag.starts_with('/') {
            open.push(name);
        } else if open.pop() != Some(name) {
            return Err(format!("</{name}> ends nothing"));
        }
    }
    if open.is_empty() { Ok(()) } else { Err(format!("{open:?} are not ended")) }
}
