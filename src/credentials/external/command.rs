//! Splits a command line into words as a POSIX shell does, without anything else that a shell does.
// SPDX-License-Identifier: Apache-2.0 OR MIT

/// The words of a command; the first is the program.
///
/// Source: POSIX.1-2017, Shell Command Language, 2.2 Quoting. Variables, patterns, comments and operators are plain
/// characters here.
pub(crate) fn split(command: &str) -> Result<Vec<String>, &'static str> {
    let mut words: Vec<String> = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut rest = command.chars();
    while let Some(character) = rest.next() {
        match (character, quote) {
            ('\0', _) => return Err("has a zero byte; correct it"),
            (' ' | '\t' | '\n' | '\r', None) => words.extend(word.take()),
            ('\'' | '"', None) => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (_, Some(open)) if character == open => quote = None,
            ('\\', None | Some('"')) => match (rest.next(), quote) {
                // A line that goes on.
                (Some('\n'), _) => {}
                (Some(next), Some(_)) if !matches!(next, '$' | '`' | '"' | '\\') => {
                    word.get_or_insert_default().extend(['\\', next]);
                }
                (Some(next), _) => word.get_or_insert_default().push(next),
                (None, Some(_)) => {}
                (None, None) => return Err("ends with a backslash; remove it, or double it"),
            },
            _ => word.get_or_insert_default().push(character),
        }
    }
    if quote.is_some() {
        return Err("has a quote that is not closed; close it, or put a backslash before it");
    }
    words.extend(word);
    match words.first() {
        Some(program) if !program.is_empty() => Ok(words),
        _ => Err("names no program; write its path and its arguments"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_are_split_as_a_shell_splits_them() {
        for (command, words) in [
            ("a", vec!["a"]),
            ("  a\tb\n c ", vec!["a", "b", "c"]),
            ("a 'b c' d", vec!["a", "b c", "d"]),
            (r#"a "b 'c' d" e"#, vec!["a", "b 'c' d", "e"]),
            (r"a b\ c \'d", vec!["a", "b c", "'d"]),
            (r#"a "\$\`\"\\\n""#, vec!["a", "$`\"\\\\n"]),
            (r"a '\n'", vec!["a", r"\n"]),
            ("a'b'\"c\"d", vec!["abcd"]),
            ("a '' \"\"", vec!["a", "", ""]),
            ("a $HOME * | b > c # d", vec!["a", "$HOME", "*", "|", "b", ">", "c", "#", "d"]),
            ("a \\\n b", vec!["a", "b"]),
            ("é '日本'", vec!["é", "日本"]),
        ] {
            assert_eq!(split(command), Ok(words.into_iter().map(str::to_owned).collect()), "{command}");
        }
    }

    #[test]
    fn what_is_no_command_is_refused_without_being_quoted() {
        for command in
            ["", "  ", "''", "'' a", "a 'needle", "a \"needle", "a \"needle\\", "a needle\\", "a\0b"]
        {
            let what = split(command).expect_err(command);
            assert!(!what.contains("needle"), "{what}");
        }
    }

    proptest! {
        #[test]
        fn any_words_that_are_quoted_come_back(words in prop::collection::vec("[^\0]{1,8}", 1..6)) {
            let quote = |word: &String| format!("'{}'", word.replace('\'', r"'\''"));
            let command = words.iter().map(quote).collect::<Vec<_>>().join(" ");
            prop_assert_eq!(split(&command), Ok(words));
        }

        #[test]
        fn no_text_makes_it_panic(command in "[ -~'\"\\\\\n\0]{0,60}") {
            drop(split(&command));
        }
    }
}
