//! `temblor schema`: the JSON Schema (draft 7) of plan files, out of the tables that the parser
//! reads by. What a schema can't say (targets that exist, faults that fit) only `temblor plan`
//! finds.

use serde_json::{Map, Value as Json, json};

use super::{
    catalogue::Catalogue,
    grammar,
    shape::{Choice, Key, Presence, Shape, Variant},
    value::{Content, Value},
};

/// Shapes that leaves refer to.
const DEFINITIONS: &str = r##"{
  "duration": {"type": "string", "pattern": "^([0-9]+(\\.[0-9]+)?(ns|us|ms|s|m|h))+$", "examples": ["250ms", "5s"]},
  "durations": {"anyOf": [
    {"$ref": "#/definitions/duration"},
    {"type": "string", "pattern": "^[0-9.a-z]+ ?\\.\\. ?[0-9.a-z]+$", "examples": ["12s..20s"]},
    {"type": "object", "properties": {"one-of": {"type": "array", "items": {"$ref": "#/definitions/duration"}, "minItems": 1}}, "required": ["one-of"], "additionalProperties": false}
  ]},
  "offset": {"type": "string", "pattern": "^[+-]?([0-9]+(\\.[0-9]+)?(ns|us|ms|s|m|h))+$", "examples": ["+30s", "-200ms"]},
  "ppm": {"type": "string", "pattern": "^[+-]?[0-9]+(\\.[0-9]+)? ?ppm$", "examples": ["500ppm"]},
  "share": {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)? ?%$", "examples": ["20%"]},
  "bandwidth": {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)? ?([kMG]?bit|[kMG]?B)/s$", "examples": ["10Mbit/s"]},
  "rate": {"type": "string", "pattern": "^([0-9]+(\\.[0-9]+)? ?/s|closed-loop)$", "examples": ["500/s"]},
  "per-node": {"type": "string", "pattern": "^[0-9]+ per node$", "examples": ["2 per node"]},
  "share-at-least": {"type": "string", "pattern": "^>= ?[0-9]+(\\.[0-9]+)? ?%$", "examples": [">= 90%"]},
  "duration-at-most": {"type": "string", "pattern": "^<= ?([0-9]+(\\.[0-9]+)?(ns|us|ms|s|m|h))+$", "examples": ["<= 50ms"]},
  "node": {"type": "string", "pattern": "^n[1-9][0-9]*$"},
  "name": {"type": "string", "pattern": "^[a-z][a-z0-9-]*$"},
  "target": {"anyOf": [
    {"enum": ["one", "two", "minority", "majority", "all", "leader", "followers", "one follower"]},
    {"type": "string", "pattern": "^(clients of )?[a-z][a-z0-9-]*( follower)?$"},
    {"type": "array", "items": {"$ref": "#/definitions/node"}, "minItems": 1}
  ]},
  "grudge": {"anyOf": [
    {"enum": ["halves", "majorities-ring", "bridge", "minority-third"]},
    {"type": "array", "items": {"type": "array", "items": {"$ref": "#/definitions/node"}, "minItems": 1}, "minItems": 2}
  ]},
  "trigger": {"anyOf": [
    {"enum": ["leader-changed", "first-error", "node-ready"]},
    {"type": "object", "properties": {"ops": {"type": "integer", "minimum": 1}}, "required": ["ops"], "additionalProperties": false},
    {"type": "object", "properties": {"node-ready": {"$ref": "#/definitions/name"}}, "required": ["node-ready"], "additionalProperties": false},
    {"type": "object", "properties": {"log": {"type": "string", "format": "regex"}, "on": {"$ref": "#/definitions/name"}}, "required": ["log"], "additionalProperties": false},
    {"type": "object", "properties": {"begin-of": {"$ref": "#/definitions/name"}}, "required": ["begin-of"], "additionalProperties": false},
    {"type": "object", "properties": {"end-of": {"$ref": "#/definitions/name"}}, "required": ["end-of"], "additionalProperties": false}
  ]}
}"##;

/// The schema, as JSON that ends with a newline.
///
/// # Panics
/// When a table holds what is no JSON, which a test rules out.
pub fn schema(catalogue: &Catalogue) -> String {
    let mut writer = Writer { definitions: object(parsed(DEFINITIONS)) };
    let mut root = object(writer.shape(&grammar::plan(catalogue, None)));
    root.insert("$schema".into(), json!("http://json-schema.org/draft-07/schema#"));
    root.insert("title".into(), json!("Temblor plan"));
    root.insert("definitions".into(), Json::Object(writer.definitions));
    format!("{:#}\n", Json::Object(root))
}

fn parsed(text: &str) -> Json {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("no JSON: {error}: {text}"))
}

fn object(json: Json) -> Map<String, Json> {
    match json {
        Json::Object(map) => map,
        other => Map::from_iter([("allOf".to_owned(), json!([other]))]),
    }
}

struct Writer {
    definitions: Map<String, Json>,
}

impl Writer {
    fn shape(&mut self, shape: &Shape) -> Json {
        match shape {
            Shape::Leaf(leaf) => parsed(leaf.schema),
            Shape::Count(range) => {
                let mut count = json!({"type": "integer", "minimum": range.start()});
                if *range.end() < u64::MAX {
                    count["maximum"] = json!(range.end());
                }
                count
            }
            Shape::Word(_, choices) => words(choices),
            Shape::List(of) => {
                let of = self.shape(of);
                json!({"anyOf": [of, {"type": "array", "items": of}]})
            }
            Shape::Map(keys) => self.map(keys),
            Shape::AnyKeys(of) => json!({"type": "object", "additionalProperties": self.shape(of)}),
            Shape::Variants(what, variants) => {
                if !self.definitions.contains_key(*what) {
                    let definition = self.variants(variants);
                    self.definitions.insert((*what).to_owned(), definition);
                }
                json!({"$ref": format!("#/definitions/{what}")})
            }
        }
    }

    fn map(&mut self, keys: &[Key]) -> Json {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for key in keys {
            if matches!(key.presence, Presence::Later) {
                continue;
            }
            if matches!(key.presence, Presence::Needed) {
                required.push(json!(key.name));
            }
            properties.insert(key.name.clone(), self.key(key));
        }
        let mut map = json!({
            "type": "object", "properties": properties, "additionalProperties": false
        });
        if !required.is_empty() {
            map["required"] = Json::Array(required);
        }
        map
    }

    /// In draft 7 nothing may stand beside a `$ref`, so what is said of it wraps it.
    fn key(&mut self, key: &Key) -> Json {
        let shape = self.shape(&key.shape);
        let mut described = match shape.get("$ref") {
            Some(_) => json!({"allOf": [shape]}),
            None => shape,
        };
        described["description"] = json!(key.about);
        if let Presence::Default(default) = &key.presence {
            described["default"] = plain(default);
        }
        described
    }

    fn variants(&mut self, variants: &[Variant]) -> Json {
        let mut properties = Map::new();
        for variant in variants {
            let mut keys = self.map(&variant.keys);
            keys["description"] = json!(variant.about);
            keys["type"] = json!(["object", "null"]);
            properties.insert(variant.name.clone(), keys);
        }
        let names: Vec<&String> = properties.keys().collect();
        json!({"anyOf": [
            {"enum": names},
            {
                "type": "object", "properties": properties, "additionalProperties": false,
                "minProperties": 1, "maxProperties": 1
            }
        ]})
    }
}

fn words(choices: &[Choice]) -> Json {
    let words: Vec<&str> = choices.iter().map(|choice| choice.word.as_str()).collect();
    json!({"enum": words})
}

/// A default as JSON, read as YAML's core schema would.
fn plain(value: &Value) -> Json {
    match &value.content {
        Content::Scalar { text, quoted: false } => {
            serde_json::from_str(text).unwrap_or_else(|_| json!(text))
        }
        Content::Scalar { text, .. } => json!(text),
        Content::List(items) => items.iter().map(plain).collect(),
        Content::Map(entries) => {
            let entry = |entry: &super::value::Entry| (entry.key.clone(), plain(&entry.value));
            Json::Object(entries.iter().map(entry).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `temblor schema > plan.schema.json` brings the file up to date.
    #[test]
    fn the_committed_schema_has_not_drifted() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/plan.schema.json");
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            committed == schema(&Catalogue::embedded()),
            "plan.schema.json is not what `temblor schema` prints: write it anew"
        );
    }

    #[test]
    fn references_lead_somewhere() {
        let schema = schema(&Catalogue::embedded());
        let json: Json = serde_json::from_str(&schema).unwrap();
        for part in schema.split("\"#/definitions/").skip(1) {
            let name = part.split('"').next().unwrap();
            assert!(json["definitions"].get(name).is_some(), "{name}");
        }
    }
}
