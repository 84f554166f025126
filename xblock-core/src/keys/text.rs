//! What all keys share: they are text to everyone else.

/// Gives a key its text: `Display`, `Debug`, `FromStr`, serde, and `to_text`.
macro_rules! key_text {
    ($key:ident, $name:literal, |$text:ident| $parse:expr) => {
        impl $key {
            #[doc = concat!("Writes the ", $name, ".")]
            ///
            /// # Errors
            /// When the key is in a state that has no text ([`KeyError::Unwritable`](crate::keys::KeyError::Unwritable)
            /// and its like); `Display` shows such keys as well as it can.
            pub fn to_text(&self) -> Result<String, $crate::keys::KeyError> {
                let mut out = String::with_capacity(96);
                self.write_to(&mut out).map(|()| out)
            }
        }

        impl std::fmt::Display for $key {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let mut out = String::with_capacity(96);
                // A key without a text is shown as far as it goes.
                let _ = self.write_to(&mut out);
                f.pad(&out)
            }
        }

        impl std::fmt::Debug for $key {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!($name, "({})"), self)
            }
        }

        impl std::str::FromStr for $key {
            type Err = $crate::keys::KeyError;

            fn from_str($text: &str) -> Result<$key, $crate::keys::KeyError> {
                $parse
            }
        }

        impl serde::Serialize for $key {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let text = self.to_text().map_err(serde::ser::Error::custom)?;
                serializer.serialize_str(&text)
            }
        }

        impl<'de> serde::Deserialize<'de> for $key {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<$key, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

pub(crate) use key_text;
