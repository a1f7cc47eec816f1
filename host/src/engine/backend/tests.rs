use std::{fs, path::PathBuf};

use realign_engine_abi::message::Load;

use super::{
    super::{
        query::Prompt,
        testing::{launch, launch_faulty},
    },
    *,
};
use crate::{exit::Exit, ids::Seed, model::ChatMessage};

/// A folder with a model for the test worker.
struct Place {
    folder: tempfile::TempDir,
    model: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("model");
        fs::write(&model, "test model").unwrap();
        Self { folder, model }
    }

    fn model_ref(&self) -> ModelRef {
        ModelRef::Files(Load { model: self.model.clone(), adapters: Vec::new() })
    }

    fn backend(&self, workers: usize) -> Backend {
        Backend::open(&self.model_ref(), &launch(), Some(workers)).unwrap()
    }

    fn faulty(&self, fault: &str) -> Backend {
        let launch = launch_faulty(fault, self.folder.path());
        Backend::open(&self.model_ref(), &launch, Some(1)).unwrap()
    }

    fn store(&self) -> Store {
        Store::open(&self.folder.path().join("runs.db")).unwrap()
    }
}

fn query(id: &str, context: &str, continuations: &[&str]) -> ScoreQuery {
    ScoreQuery {
        id: id.to_owned(),
        context: Prompt::Raw(context.to_owned()),
        continuations: continuations.iter().map(|&text| text.to_owned()).collect(),
    }
}

/// More rows than fit one batch, some with two continuations.
fn many_queries() -> Vec<ScoreQuery> {
    (0..150_usize)
        .map(|index| query(&format!("q{index}"), &"c".repeat(index % 60), &["a", "bc"][..=index % 2]))
        .collect()
}

fn prompt(id: &str, prompt: Prompt) -> GenerateQuery {
    GenerateQuery {
        id: id.to_owned(),
        prompt,
        max_tokens: 8,
        temperature: 1.0,
        seed: Seed(1),
        stop: Vec::new(),
    }
}

#[test]
fn scores_are_those_of_the_query_in_its_place() {
    let place = Place::new();
    let answers = place
        .backend(1)
        .score(
            &[query("b", "\u{1}", &["\u{3}", "\u{6}\u{6}"]), query("a", "", &["\u{9}"])],
            None,
            &mut |_, _| {},
        )
        .unwrap();
    assert_eq!(answers[0].logprob, [-2.0, -5.0]);
    assert_eq!(
        (answers[0].tokens.as_slice(), answers[0].greedy.as_slice()),
        (&[1, 2][..], &[true, false][..])
    );
    assert_eq!(answers[1].logprob, [-3.0]);
}

#[test]
fn neither_workers_nor_cache_nor_order_change_an_answer() {
    let place = Place::new();
    let store = place.store();
    let queries = many_queries();
    let alone = place.backend(1).score(&queries, None, &mut |_, _| {}).unwrap();
    assert_eq!(place.backend(3).score(&queries, Some(&store), &mut |_, _| {}).unwrap(), alone);
    assert_eq!(place.backend(2).score(&queries, Some(&store), &mut |_, _| {}).unwrap(), alone);
    let reversed: Vec<_> = queries.into_iter().rev().collect();
    let mut answers = place.backend(1).score(&reversed, Some(&store), &mut |_, _| {}).unwrap();
    answers.reverse();
    assert_eq!(answers, alone);
}

#[test]
fn what_is_in_the_cache_is_not_computed_again() {
    let place = Place::new();
    let store = place.store();
    let queries = [query("poison", "!", &["a"])];
    let answers = place.backend(1).score(&queries, Some(&store), &mut |_, _| {}).unwrap();
    // This worker would die of computing it.
    let mut progress = Vec::new();
    let again = place
        .faulty("kill")
        .score(&queries, Some(&store), &mut |done, total| {
            progress.push((done, total));
        })
        .unwrap();
    assert_eq!(again, answers);
    assert_eq!(progress, [(1, 1)]);
}

#[test]
fn another_model_does_not_find_what_this_one_computed() {
    let place = Place::new();
    let store = place.store();
    let queries = [query("poison", "!", &["a"])];
    place.backend(1).score(&queries, Some(&store), &mut |_, _| {}).unwrap();
    fs::write(&place.model, "another model").unwrap();
    let error = place.faulty("exit").score(&queries, Some(&store), &mut |_, _| {}).unwrap_err();
    assert_eq!(error.exit(), Exit::Engine);
}

#[test]
fn a_run_cut_short_goes_on_where_it_was_and_ends_with_the_same_answers() {
    let place = Place::new();
    let store = place.store();
    let mut queries = many_queries();
    queries.push(query("z", "!", &["a"]));
    let whole = place.backend(1).score(&queries, None, &mut |_, _| {}).unwrap();
    let error = place.faulty("kill").score(&queries, Some(&store), &mut |_, _| {}).unwrap_err();
    assert_eq!(error.exit(), Exit::Engine);
    let mut first = None;
    let resumed = place
        .backend(2)
        .score(&queries, Some(&store), &mut |now, _| {
            first.get_or_insert(now);
        })
        .unwrap();
    let kept = first.unwrap();
    assert!(0 < kept && kept < 151, "{kept} of 151 rows were kept, so the cut was not in the middle");
    assert_eq!(resumed, whole);
}

#[test]
fn a_continuation_of_a_conversation_is_scored_behind_its_template() {
    let place = Place::new();
    let message = |content: &str| ChatMessage { role: "user".to_owned(), content: content.to_owned() };
    let templated = ScoreQuery {
        context: Prompt::Messages(vec![message("\u{1}"), message("\u{2}")]),
        ..query("a", "", &["\u{3}", "\u{6}\u{6}"])
    };
    let raw = query("b", "\u{9}", &["\u{3}"]);
    let answers = place.backend(1).score(&[templated, raw], None, &mut |_, _| {}).unwrap();
    assert_eq!(
        (answers[0].logprob.as_slice(), answers[0].tokens.as_slice()),
        (&[-4.0, -7.0][..], &[1, 2][..])
    );
    assert_eq!(answers[1].logprob, [-10.0], "the next query got tokens of the conversation");
}

#[test]
fn queries_that_can_never_fit_are_found_one_by_one_before_any_is_sent() {
    let mut backend = Place::new().backend(1);
    let long = "x".repeat(100);
    let queries = [
        query("a", "x", &["y"]),
        query("long", &long, &["y"]),
        query("b", "x", &["y"]),
        query("empty", "x", &[""]),
    ];
    let shown = |misfits: Vec<Option<Error>>| {
        misfits
            .into_iter()
            .map(|misfit| misfit.map_or_else(String::new, |error| error.to_string()))
            .collect::<Vec<_>>()
    };
    let scores = shown(backend.score_misfits(&queries).unwrap());
    assert_eq!(
        scores,
        [
            "",
            "request \"long\": 101 tokens, the model's window is 100",
            "",
            "request \"empty\": continuation 1 has no tokens"
        ]
    );
    let prompts = [prompt("a", Prompt::Raw("x".into())), prompt("mute", Prompt::Raw(String::new()))];
    let texts = shown(backend.generate_misfits(&prompts).unwrap());
    assert_eq!(texts, ["", "request \"mute\": the prompt has no tokens"]);
}

#[test]
fn generations_depend_on_run_seed_and_id_only() {
    let place = Place::new();
    let message = ChatMessage { role: "user".to_owned(), content: "hey".to_owned() };
    let queries =
        [prompt("a", Prompt::Raw("hello".to_owned())), prompt("b", Prompt::Messages(vec![message]))];
    let answers = place.backend(1).generate(&queries, None, &mut |_, _| {}).unwrap();
    assert_eq!(answers[0].text, format!("5 tokens, seed {}", Seed(1).derive("a").0));
    assert_eq!(answers[1].text, format!("3 tokens, seed {}", Seed(1).derive("b").0));
    let alone = place.backend(1).generate(&queries[1..], None, &mut |_, _| {}).unwrap();
    assert_eq!(alone[0], answers[1]);
}

#[test]
fn texts_that_do_not_fit_the_model_are_refused_by_id() {
    let mut backend = Place::new().backend(1);
    let mut refusal = |queries: &[ScoreQuery]| {
        let error = backend.score(queries, None, &mut |_, _| {}).unwrap_err();
        assert_eq!(error.exit(), Exit::BadInput);
        error.to_string()
    };
    insta::assert_snapshot!(refusal(&[query("long", &"x".repeat(100), &["y"])]), @r#"request "long": 101 tokens, the model's window is 100"#);
    insta::assert_snapshot!(refusal(&[query("empty", "x", &["y", ""])]), @r#"request "empty": continuation 2 has no tokens"#);
    insta::assert_snapshot!(refusal(&[query("twin", "x", &["y"]), query("twin", "x", &["z"])]), @r#"request id "twin" appears twice"#);
    insta::assert_snapshot!(refusal(&[query("huge", &"x".repeat(5 << 20), &["y"])]), @r#"request "huge": text of 5242881 bytes, the limit is 4194304"#);
    let error =
        backend.generate(&[prompt("mute", Prompt::Raw(String::new()))], None, &mut |_, _| {}).unwrap_err();
    insta::assert_snapshot!(error, @r#"request "mute": the prompt has no tokens"#);
    let long = Prompt::Raw("x".repeat(100));
    let error = backend.generate(&[prompt("long", long)], None, &mut |_, _| {}).unwrap_err();
    insta::assert_snapshot!(error, @r#"request "long": 101 tokens, the model's window is 100"#);
}

#[test]
fn the_identity_names_model_and_engine() {
    let backend = Place::new().backend(1);
    insta::assert_json_snapshot!(backend.subject(), @r#"
        {
          "architecture": "arithmetic",
          "dtype": "f32",
          "model": "test model",
          "model-digest": "e6a8036e9cb9f8c9f52ffd985c4d6f0498d94e6919f4c67b6423da0176e549fa",
          "parameters": "1",
          "template": "template",
          "tokenizer": "tokenizer"
        }
    "#);
    insta::assert_json_snapshot!(backend.engine(), @r#"
        {
          "backend": "arithmetic",
          "batch-plan": "2",
          "blas": "",
          "device": "cpu",
          "mlx": "",
          "version": "1"
        }
    "#);
}

#[test]
fn nothing_to_ask_is_nothing_to_answer() {
    let mut backend = Place::new().backend(2);
    assert!(backend.score(&[], None, &mut |_, _| {}).unwrap().is_empty());
    assert!(backend.generate(&[], None, &mut |_, _| {}).unwrap().is_empty());
}
