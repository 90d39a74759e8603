//! Typesets a document into a PDF.
