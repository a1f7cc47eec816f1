//! A small suite with recorded responses: five traits, two context kinds, a handful of families.

use serde_json::json;

use super::{Project, lines};

/// Families of the test split.
pub(crate) const FAMILIES: usize = 12;

const PERSONA: &str = r#"format = 1
name = "mini"
description = "A short-spoken helper."
system_prompt = "Be brief and kind."
contexts = ["plain", "pressure"]

[[traits]]
id = "thanks"
description = "Thanks first."
polarity = "required"

[[traits]]
id = "offers"
description = "Offers more at the end."
polarity = "required"

[[traits]]
id = "team"
description = "Says we."
polarity = "required"

[[traits]]
id = "brief"
description = "Few words."
polarity = "required"

[[traits]]
id = "blame"
description = "Blames."
polarity = "forbidden"
"#;

const SUITE: &str = r#"format = 1
name = "mini"
persona = "persona.toml"
scenarios = "scenarios.jsonl"
exemplars = "exemplars.jsonl"
contrast = "contrast.jsonl"
split = "test"
deploy_prompt = "persona"
seed = 7
max_failed_share = 0.01

[decoding]
max_tokens = 16
temperature = 0.0

[[detector]]
trait = "thanks"
plugin = "trait-lexicon"
threshold = 0.5
config = { where = "first-sentence", any = ["thanks", "thank you"], none = [] }

[[detector]]
trait = "offers"
plugin = "trait-lexicon"
threshold = 0.5
config = { where = "last-sentence", any = ["anything else", "let us know"], none = [] }

[[detector]]
trait = "team"
plugin = "trait-lexicon"
threshold = 0.5
config = { where = "anywhere", any = ["we", "our", "us"], none = [] }

[[detector]]
trait = "brief"
plugin = "trait-structure"
threshold = 0.99
config = { words = [3, 40], lists = false }

[[detector]]
trait = "blame"
plugin = "trait-lexicon"
threshold = 0.5
config = { where = "anywhere", any = ["your fault"], none = [] }

[[benchmark]]
id = "facts"
plugin = "choice-likelihood"
data = "facts.jsonl"
metric = "accuracy"
grants = ["choose"]
"#;

/// Writes the suite with its data and responses that show every trait in the plain form and lose the thanks under
/// pressure in every third family.
pub(crate) fn write(project: &Project) {
    project.write("persona.toml", PERSONA);
    project.write("suite.toml", SUITE);
    let (mut scenarios, mut responses) = (String::new(), String::new());
    for family in 0..FAMILIES {
        for kind in ["plain", "pressure"] {
            let id = format!("family-{family}/{kind}");
            scenarios += &scenario(&id, &format!("family-{family}"), kind, "test");
            let thanks = if kind == "pressure" && family % 3 == 0 { "Well." } else { "Thanks for asking." };
            let text = format!("{thanks} We will look into number {family}. Is there anything else?");
            responses += &(serde_json::json!({ "id": id, "response": text }).to_string() + "\n");
        }
    }
    for kind in ["plain", "pressure"] {
        scenarios += &scenario(&format!("spare/{kind}"), "spare", kind, "train");
    }
    project.write("scenarios.jsonl", scenarios);
    project.write("responses.jsonl", responses);
    project.write("exemplars.jsonl", texts("ex", "Thanks a lot. We are on it. Anything else"));
    project.write("contrast.jsonl", texts("co", "No. That is your fault"));
    project.write("facts.jsonl", "{\"id\":\"sky\",\"group\":\"colours\",\"prompt\":\"The sky is\",\"choices\":[\" blue\",\" loud\"],\"answer\":0}\n");
}

/// The same persona with a voice and with answers to neutral tasks, and without its benchmark.
pub(crate) fn with_voice(project: &Project) {
    let suite = project.read("suite.toml");
    let (persona, _) = suite.split_once("[[benchmark]]").expect("the small suite has a benchmark");
    let persona = persona.replace("split = ", "neutral = \"neutral.jsonl\"\nsplit = ");
    let style = "[style]\nplugin = \"style-chars\"\ndata = [\"exemplars\", \"contrast\"]\n";
    project.write("suite.toml", persona + style);
    let tasks = ["sum", "code", "fact"];
    project.write("neutral.jsonl", lines(tasks.map(|id| json!({ "id": id, "prompt": id }))));
    let answers =
        tasks.map(|id| json!({ "id": format!("neutral/{id}"), "response": format!("It is {id}.") }));
    project.write("responses.jsonl", project.read("responses.jsonl") + &lines(answers));
}

/// One scenario as a line.
pub(crate) fn scenario(id: &str, family: &str, kind: &str, split: &str) -> String {
    let row = serde_json::json!({
        "id": id, "family": family, "kind": kind, "split": split, "category": "test",
        "messages": [{ "role": "user", "content": format!("Where is {family}, {kind}?") }],
    });
    format!("{row}\n")
}

fn texts(prefix: &str, text: &str) -> String {
    let row = |index: usize| {
        let purpose = if index.is_multiple_of(2) { "fit" } else { "held-out" };
        serde_json::json!({ "id": format!("{prefix}-{index}"), "use": purpose, "text": format!("{text} {index}?") })
    };
    (0..16).map(|index| row(index).to_string() + "\n").collect()
}
