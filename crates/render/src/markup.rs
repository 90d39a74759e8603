//! Elements and text, for the formats that are made of them: HTML, SVG, the parts of a Word file.
//!
//! Texts become characters, never markup: the only way to write an element is with a name that stands
//! in the source.

/// What an element is written with beside its name.
pub(crate) type Attributes<'a> = &'a [(&'static str, &'a str)];

/// Elements and text under way.
#[derive(Debug, Default)]
pub(crate) struct Markup {
    text: String,
    open: Vec<&'static str>,
}

impl Markup {
    /// Begins with what stands before the first element.
    pub(crate) fn new(prologue: &'static str) -> Self {
        Self { text: prologue.to_owned(), open: Vec::new() }
    }

    /// Opens an element; [`Markup::close`] ends it.
    pub(crate) fn open(&mut self, name: &'static str, attributes: Attributes<'_>) -> &mut Self {
        self.tag(name, attributes);
        self.text.push('>');
        self.open.push(name);
        self
    }

    /// Ends the element that was opened last.
    pub(crate) fn close(&mut self) -> &mut Self {
        if let Some(name) = self.open.pop() {
            self.text.push_str("</");
            self.text.push_str(name);
            self.text.push('>');
        }
        self
    }

    /// An element without content.
    pub(crate) fn empty(&mut self, name: &'static str, attributes: Attributes<'_>) -> &mut Self {
        self.tag(name, attributes);
        self.text.push_str("/>");
        self
    }

    /// An element with nothing but text in it.
    pub(crate) fn element(
        &mut self,
        name: &'static str,
        attributes: Attributes<'_>,
        text: &str,
    ) -> &mut Self {
        self.open(name, attributes).text(text).close()
    }

    /// Text.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        escape(text, &mut self.text);
        self
    }

    /// What stands in the source of this crate, as it is.
    pub(crate) fn fixed(&mut self, markup: &'static str) -> &mut Self {
        self.text.push_str(markup);
        self
    }

    /// Other markup, with all its elements.
    pub(crate) fn append(&mut self, other: Self) -> &mut Self {
        self.text.push_str(&other.finish());
        self
    }

    /// The whole. What is still open ends here.
    pub(crate) fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.close();
        }
        self.text
    }

    fn tag(&mut self, name: &'static str, attributes: Attributes<'_>) {
        self.text.push('<');
        self.text.push_str(name);
        for (name, value) in attributes {
            self.text.push(' ');
            self.text.push_str(name);
            self.text.push_str("=\"");
            escape(value, &mut self.text);
            self.text.push('"');
        }
    }
}

fn escape(text: &str, to: &mut String) {
    for c in text.chars() {
        match c {
            '&' => to.push_str("&amp;"),
            '<' => to.push_str("&lt;"),
            '>' => to.push_str("&gt;"),
            '"' => to.push_str("&quot;"),
            // What XML has no way to write. A clean text has none of it.
            c if c.is_control() && !matches!(c, '\n' | '\t') => to.push('\u{fffd}'),
            '\u{fffe}' | '\u{ffff}' => to.push('\u{fffd}'),
            c => to.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_never_markup() {
        let mut markup = Markup::new("");
        markup.open("p", &[("title", "\"><script>")]).text("a < b & \u{1b}[1m </p>").empty("br", &[]);
        assert_eq!(
            markup.finish(),
            "<p title=\"&quot;&gt;&lt;script&gt;\">a &lt; b &amp; \u{fffd}[1m &lt;/p&gt;<br/></p>"
        );
    }
}
