//! Words of identifiers.

/// The words of a name in a schema, in small letters: `BillingCountry`, `billing_country` and
/// `Billing country` are all `billing`, `country`.
#[must_use]
pub fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut previous: Option<char> = None;
    let chars: Vec<char> = name.chars().collect();
    for (n, c) in chars.iter().copied().enumerate() {
        let splits = match previous {
            Some(p) => {
                let next_is_small = chars.get(n + 1).is_some_and(|next| next.is_lowercase());
                (p.is_lowercase() && c.is_uppercase())
                    || (p.is_uppercase() && c.is_uppercase() && next_is_small)
                    || (p.is_alphabetic() && c.is_numeric())
                    || (p.is_numeric() && c.is_alphabetic())
            }
            None => false,
        };
        if (splits || !c.is_alphanumeric()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        previous = Some(c);
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// A word without its plural ending, so that `countries` is `country` and `sales` is `sale`.
#[must_use]
pub fn singular(word: &str) -> String {
    let irregular = [
        ("people", "person"),
        ("children", "child"),
        ("men", "man"),
        ("women", "woman"),
        ("indices", "index"),
        ("categories", "category"),
    ];
    if let Some((_, one)) = irregular.iter().find(|(many, _)| *many == word) {
        return (*one).to_owned();
    }
    let kept = ["ss", "us", "is", "news", "series"];
    if word.len() <= 3 || kept.iter().any(|end| word.ends_with(end)) {
        return word.to_owned();
    }
    if let Some(stem) = word.strip_suffix("ies") {
        if stem.len() > 2 {
            return format!("{stem}y");
        }
        return format!("{stem}ie");
    }
    for end in ["sses", "xes", "ches", "shes", "uses"] {
        if word.ends_with(end) {
            return word[..word.len() - 2].to_owned();
        }
    }
    word.strip_suffix('s').unwrap_or(word).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fall_into_words() {
        assert_eq!(words("BillingCountry"), ["billing", "country"]);
        assert_eq!(words("billing_country"), ["billing", "country"]);
        assert_eq!(words("customerID"), ["customer", "id"]);
        assert_eq!(words("HTTPStatus"), ["http", "status"]);
        assert_eq!(words("Q3 revenue (EUR)"), ["q", "3", "revenue", "eur"]);
        assert_eq!(words("  "), Vec::<String>::new());
    }
}
