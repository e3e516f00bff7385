//! Entra's expressions, read from their text: functions, attributes, texts, numbers, comparisons, empty arguments.

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    /// An argument that was left empty.
    Empty,
    /// `[name]`.
    Attribute(String),
    /// `"text"`.
    Text(String),
    /// `12` or `&HF`.
    Number(i64),
    /// A bare word, such as `NULL` or `vbTextCompare`.
    Word(String),
    /// `Name(argument, …)`.
    Call(String, Vec<Expression>),
    /// `a = b` and the like.
    Compare(Box<Expression>, String, Box<Expression>),
}

/// Reads a whole text as one expression.
pub(super) fn parse(text: &str) -> Result<Expression, String> {
    let mut parser = Parser { letters: text.chars().collect(), at: 0 };
    let expression = parser.comparison()?;
    parser.spaces();
    match parser.peek() {
        None => Ok(expression),
        Some(letter) => Err(format!("{letter:?} at {} is too much", parser.at)),
    }
}

struct Parser {
    letters: Vec<char>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.letters.get(self.at).copied()
    }

    fn spaces(&mut self) {
        self.take_while(char::is_whitespace);
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let start = self.at;
        while self.peek().is_some_and(&wanted) {
            self.at += 1;
        }
        self.letters[start..self.at].iter().collect()
    }

    fn comparison(&mut self) -> Result<Expression, String> {
        let left = self.operand()?;
        self.spaces();
        let operator = self.take_while(|letter| matches!(letter, '=' | '<' | '>'));
        if operator.is_empty() {
            return Ok(left);
        }
        let right = self.operand()?;
        Ok(Expression::Compare(Box::new(left), operator, Box::new(right)))
    }

    fn operand(&mut self) -> Result<Expression, String> {
        self.spaces();
        match self.peek() {
            None | Some(',' | ')') => Ok(Expression::Empty),
            Some('[') => {
                self.at += 1;
                let name = self.take_while(|letter| letter != ']');
                self.at += 1;
                Ok(Expression::Attribute(name))
            }
            Some('"') => self.text(),
            Some('&') => {
                self.at += 2;
                let digits = self.take_while(|letter| letter.is_ascii_hexdigit());
                i64::from_str_radix(&digits, 16).map(Expression::Number).map_err(|e| e.to_string())
            }
            Some(letter) if letter.is_ascii_digit() || letter == '-' => {
                let number = self.take_while(|letter| letter.is_ascii_digit() || letter == '-');
                number
                    .parse()
                    .map(Expression::Number)
                    .map_err(|_error| format!("{number:?} is no number"))
            }
            Some(letter) if letter.is_alphabetic() => {
                let name = self.take_while(char::is_alphanumeric);
                if self.peek() == Some('(') { self.call(name) } else { Ok(Expression::Word(name)) }
            }
            Some(other) => Err(format!("{other:?} at {} begins no expression", self.at)),
        }
    }

    fn call(&mut self, name: String) -> Result<Expression, String> {
        self.at += 1;
        let mut arguments = Vec::new();
        loop {
            arguments.push(self.comparison()?);
            self.spaces();
            match self.peek() {
                Some(',') => self.at += 1,
                Some(')') => {
                    self.at += 1;
                    break;
                }
                // One documented expression lacks a comma between a function and a text.
                Some('"') => {}
                other => return Err(format!("{other:?} at {} in {name}", self.at)),
            }
        }
        if arguments == [Expression::Empty] {
            arguments.clear();
        }
        Ok(Expression::Call(name, arguments))
    }

    /// A backslash escapes a quotation mark and itself; before anything else it stands for itself.
    fn text(&mut self) -> Result<Expression, String> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let letter = self.peek().ok_or("a text without an end")?;
            self.at += 1;
            match letter {
                '"' => return Ok(Expression::Text(text)),
                '\\' if matches!(self.peek(), Some('"' | '\\')) => {
                    text.extend(self.peek());
                    self.at += 1;
                }
                other => text.push(other),
            }
        }
    }
}

#[test]
fn empty_arguments_keep_their_places() {
    let expected = Expression::Call(
        "Replace".to_owned(),
        vec![
            Expression::Attribute("a".to_owned()),
            Expression::Empty,
            Expression::Text("x\"\\".to_owned()),
            Expression::Empty,
        ],
    );
    assert_eq!(parse(r#"Replace([a], ,"x\"\\", )"#), Ok(expected));
}
