//! Problems in OLX: the whole element is the problem's text.

use xblock_core::olx::{
    BlockSource, Body, CourseXml, DefinitionForm, Element, Fidelity, OlxConvention, OlxError, RawOlx,
    Reading, WriteError, WriteHost, XmlForm, read_course_xml, write_raw,
};
use xblock_core::runtime::BlockData;

/// How problems stand in OLX.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProblemOlx;

impl OlxConvention for ProblemOlx {
    // The platform's class converts every value while it reads, and fails at the first that does not fit.
    fn read(&self, element: Element, reading: &mut Reading<'_, '_>) -> Result<BlockData, OlxError> {
        let at = element.mark();
        let data = read_course_xml(self, element, reading)?;
        if reading.fidelity() == Fidelity::Platform {
            for (name, value) in data.content.iter().chain(&data.settings) {
                let converted = reading.block_type().field(name).map(|spec| spec.from_json(value));
                if let Some(Err(source)) = converted {
                    return Err(OlxError::InvalidValue {
                        field: name.to_string(),
                        source,
                        place: reading.place(&at),
                    });
                }
            }
        }
        Ok(data)
    }

    fn write(
        &self,
        block: &BlockSource<'_>,
        host: &mut dyn WriteHost,
        node: &mut Element,
    ) -> Result<bool, WriteError> {
        write_raw(block, host, XmlForm::default(), node)?;
        Ok(true)
    }

    fn definition_form(&self) -> DefinitionForm {
        DefinitionForm::WholeElement
    }
}

impl CourseXml for ProblemOlx {
    fn body(&self, element: &Element, reading: &mut Reading<'_, '_>) -> Result<Body, OlxError> {
        RawOlx.body(element, reading)
    }

    // The folder was called `problems` once, or there was none.
    fn fallback_paths(&self, path: &str) -> Vec<String> {
        let name = path.strip_prefix("problem/").unwrap_or(path);
        vec![format!("problems/{name}"), name.to_owned()]
    }
}
