//! A document as a Word file (Office Open XML, ECMA-376): text that can be edited, tables, and charts
//! that Word itself draws from the figures.
//!
//! The same document gives the same bytes: no part says when it was made.

mod body;
mod chart;

use std::io::{Cursor, Write as _};

use longhaul_document::Document;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::markup::Markup;

/// What every part begins with.
const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";

const CONTENT_TYPES: &str = "http://schemas.openxmlformats.org/package/2006/content-types";
const RELATIONSHIPS: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
const CORE_PROPERTIES: &str = "http://schemas.openxmlformats.org/package/2006/metadata/core-properties";
const DUBLIN_CORE: &str = "http://purl.org/dc/elements/1.1/";

/// A part: what it is called in the file, what the document calls it, what it is.
struct Part {
    path: String,
    id: String,
    relation: &'static str,
    content: &'static str,
    xml: String,
}

macro_rules! relation {
    ($name:literal) => {
        concat!("http://schemas.openxmlformats.org/officeDocument/2006/relationships/", $name)
    };
}

macro_rules! word {
    ($name:literal) => {
        concat!("application/vnd.openxmlformats-officedocument.wordprocessingml.", $name, "+xml")
    };
}

/// `document`, which is clean, as a Word file.
///
/// # Errors
/// What the archive says.
pub(crate) fn docx(document: &Document) -> Result<Vec<u8>, String> {
    let body = body::body(document);
    let mut parts = vec![
        fixed("styles", relation!("styles"), word!("styles"), include_str!("styles.xml")),
        fixed("numbering", relation!("numbering"), word!("numbering"), include_str!("numbering.xml")),
        fixed("settings", relation!("settings"), word!("settings"), include_str!("settings.xml")),
        fixed("footer", relation!("footer"), word!("footer"), include_str!("footer.xml")),
        fixed("header", relation!("header"), word!("header"), ""),
    ];
    if let Some(header) = parts.last_mut() {
        header.xml = body::header(&document.title);
    }
    parts.extend(body.charts.into_iter().enumerate().map(|(at, xml)| Part {
        path: format!("word/charts/chart{}.xml", at + 1),
        id: chart_id(at),
        relation: relation!("chart"),
        content: "application/vnd.openxmlformats-officedocument.drawingml.chart+xml",
        xml,
    }));
    let root = [
        ("rIdDocument", relation!("officeDocument"), "word/document.xml"),
        (
            "rIdCore",
            "http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties",
            "docProps/core.xml",
        ),
    ];
    let related: Vec<_> = parts
        .iter()
        .map(|part| (part.id.as_str(), part.relation, part.path.trim_start_matches("word/")))
        .collect();
    let mut files = vec![
        ("[Content_Types].xml".to_owned(), content_types(&parts)),
        ("_rels/.rels".to_owned(), relationships(&root)),
        ("docProps/core.xml".to_owned(), core(document)),
        ("word/document.xml".to_owned(), body.xml),
        ("word/_rels/document.xml.rels".to_owned(), relationships(&related)),
    ];
    files.extend(parts.into_iter().map(|part| (part.path, part.xml)));
    archive(files).map_err(|error| error.to_string())
}

/// By what the document calls a chart.
fn chart_id(at: usize) -> String {
    format!("rIdChart{}", at + 1)
}

fn fixed(name: &str, relation: &'static str, content: &'static str, xml: &str) -> Part {
    Part {
        path: format!("word/{name}.xml"),
        id: format!("rId_{name}"),
        relation,
        content,
        xml: xml.to_owned(),
    }
}

fn content_types(parts: &[Part]) -> String {
    let mut xml = Markup::new(XML);
    xml.open("Types", &[("xmlns", CONTENT_TYPES)]);
    let rels = "application/vnd.openxmlformats-package.relationships+xml";
    xml.empty("Default", &[("Extension", "rels"), ("ContentType", rels)]);
    xml.empty("Default", &[("Extension", "xml"), ("ContentType", "application/xml")]);
    let mut part = |path: &str, content| {
        xml.empty("Override", &[("PartName", &format!("/{path}")), ("ContentType", content)]);
    };
    part("word/document.xml", word!("document.main"));
    part("docProps/core.xml", "application/vnd.openxmlformats-package.core-properties+xml");
    for one in parts {
        part(&one.path, one.content);
    }
    xml.finish()
}

fn relationships(all: &[(&str, &str, &str)]) -> String {
    let mut xml = Markup::new(XML);
    xml.open("Relationships", &[("xmlns", RELATIONSHIPS)]);
    for (id, kind, target) in all {
        xml.empty("Relationship", &[("Id", id), ("Type", kind), ("Target", target)]);
    }
    xml.finish()
}

fn core(document: &Document) -> String {
    let mut xml = Markup::new(XML);
    xml.open("cp:coreProperties", &[("xmlns:cp", CORE_PROPERTIES), ("xmlns:dc", DUBLIN_CORE)]);
    xml.element("dc:title", &[], &document.title).element("dc:creator", &[], "Longhaul");
    xml.finish()
}

fn archive(files: Vec<(String, String)>) -> zip::result::ZipResult<Vec<u8>> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default());
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, xml) in files {
        archive.start_file(path, options)?;
        archive.write_all(xml.as_bytes())?;
    }
    Ok(archive.finish()?.into_inner())
}
