//! Layers of the jail that an operator insists on. There is no word that takes one away.

use crate::document::nearest::nearest;
use protocol::stage::Layer;
use protocol::text::ForeignText;

/// A text that is no demand on the jail.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LayerError {
    /// Not of the form that it must have.
    #[error(
        "write require:LAYER or require:LAYER,LAYER; layers can be required, never switched off"
    )]
    Form,
    /// No such layer.
    #[error("there is no layer `{}`; {}", ForeignText::new(.0), proposal(.0))]
    Unknown(String),
}

/// Reads `require:LAYER,LAYER`.
///
/// # Errors
/// [`LayerError`].
pub fn layers(text: &str) -> Result<Vec<Layer>, LayerError> {
    let names = text.strip_prefix("require:").filter(|names| !names.is_empty());
    let names = names.ok_or(LayerError::Form)?;
    names.split(',').map(layer).collect()
}

/// The layer of that name.
pub(super) fn layer(name: &str) -> Result<Layer, LayerError> {
    let found = Layer::ALL.into_iter().find(|layer| layer.name() == name);
    found.ok_or_else(|| LayerError::Unknown(name.to_owned()))
}

fn proposal(name: &str) -> String {
    let names = || Layer::ALL.into_iter().map(Layer::name);
    match nearest(name, names(), 1).first() {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!(
            "there are: {}; the rest of the jail is always required",
            names().collect::<Vec<_>>().join(", ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_can_be_required_and_never_switched_off() {
        assert_eq!(layers("require:landlock"), Ok(vec![Layer::Landlock]));
        assert_eq!(layers("require:mdwe,root"), Ok(vec![Layer::Mdwe, Layer::Root]));
        for text in ["off", "none", "require", "require:", "landlock", "without:landlock", ""] {
            assert_eq!(layers(text), Err(LayerError::Form), "{text}");
        }
        let words = |text| layers(text).err().map(|error| error.to_string());
        assert_eq!(
            words("require:landlok").as_deref(),
            Some("there is no layer `landlok`; did you mean `landlock`?")
        );
        assert_eq!(
            words("require:seccomp").as_deref(),
            Some(
                "there is no layer `seccomp`; there are: uid, namespaces, root, mdwe, landlock; \
                 the rest of the jail is always required"
            )
        );
        assert!(layers("require:landlock,").is_err());
    }
}
