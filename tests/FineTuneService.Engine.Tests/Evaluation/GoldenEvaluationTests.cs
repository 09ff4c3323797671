using System.Text.Json.Nodes;
using FineTuneService.Engine.Evaluation.Tasks;
using FineTuneService.Engine.Generation;

namespace FineTuneService.Engine.Tests.Evaluation;

/// <summary>Every model and task of golden/evals: prompts, tokens, log-likelihoods, answers and standard errors of lm-evaluation-harness' rules.</summary>
public sealed class GoldenEvaluationTests
{
    /// <summary>Of a token's loss, summed in fp32.</summary>
    private const double Tolerance = 1e-4;

    /// <summary>A single token's on a model of very large hidden values; the reference's own noise (its README).</summary>
    private const double SingleTolerance = 5e-4;

    /// <summary>A model of more bytes than this takes minutes for the tasks together: <c>./dev test --all</c> runs those.</summary>
    private const long QuickBytes = 50_000_000;

    public static TheoryData<string, string> QuickCases => Cases(quick: true);

    public static TheoryData<string, string> LongCases => Cases(quick: false);

    private static TheoryData<string, string> Cases(bool quick)
    {
        var cases = new TheoryData<string, string>();
        foreach (string model in Shared.Entries("golden/evals").Select(row => row.Data))
        {
            string folder = Path.Combine(Shared.Folder, "golden", "evals", model);
            // What is no folder of cases is the README, a script or the adapter.
            if (!Directory.Exists(folder) || File.Exists(Path.Combine(folder, "adapter_config.json")) || GoldenEvaluation.Bytes(model) <= QuickBytes != quick) continue;
            foreach (string task in Directory.GetFiles(folder, "*.json").Order(StringComparer.Ordinal)) cases.Add(model, Path.GetFileName(task));
        }
        if (!Shared.Present) cases.Add("", "");
        return cases;
    }

    [Theory, MemberData(nameof(QuickCases))]
    public void Task_GoldenModel_EqualsTheHarness(string model, string task) => Compare(model, task);

    [Theory(Explicit = true, SkipTestWithoutData = true), MemberData(nameof(LongCases))]
    public void Task_LargeGoldenModel_EqualsTheHarness(string model, string task) => Compare(model, task);

    private static void Compare(string model, string task)
    {
        using GoldenEvaluation golden = GoldenEvaluation.Load(model, task);
        string detail = (string)golden.Task["kind"]! == "perplexity" ? Perplexity(golden) : Rows(golden);
        Fidelity.Passed("evals", $"{model}/{Path.GetFileNameWithoutExtension(task)}", detail);
    }

    private static string Rows(GoldenEvaluation golden)
    {
        EvaluationTask task = Read(golden.Task);
        JsonArray rows = golden.Json["items"]!.AsArray();
        Assert.Equal(rows.Count, task.Items.Count);
        ScoredItem[] items = [.. task.Items.Cast<ScoredItem>()];
        IReadOnlyList<ScoredText>[] texts = [.. items.Select(item => item.Texts(golden.Pairs))];
        TextScore[] scores = golden.Score([.. texts.SelectMany(of => of)]);
        var measures = new List<IReadOnlyDictionary<string, double>>();
        double worst = 0;
        for (int i = 0, at = 0; i < items.Length; i++)
        {
            TextScore[] own = scores[at..(at += texts[i].Count)];
            worst = Math.Max(worst, CompareRow(rows[i]!, items[i], texts[i], own, golden));
            measures.Add(items[i].Measure(own));
        }
        CompareMetrics(golden.Json["metrics"]!.AsObject(), task.Metrics(measures), rows.Average(row => row!["choice_tokens"]!.AsArray().Average(tokens => (int)tokens!)));
        return FormattableString.Invariant($"{rows.Count} rows, log-likelihoods within {worst:0.0e0} a token");
    }

    private static double CompareRow(JsonNode row, ScoredItem item, IReadOnlyList<ScoredText> texts, TextScore[] scores, GoldenEvaluation golden)
    {
        (string context, string delimiter, string[] choices) = item switch
        {
            ChoiceItem choice => (choice.Context, choice.Delimiter, choice.Choices.ToArray()),
            TruthItem truth => (truth.Context, truth.Delimiter, [.. truth.Choices]),
            ContinuationItem one => (one.Context, "", [one.Continuation]),
            _ => throw new InvalidOperationException(),
        };
        string goldenDelimiter = (string)row["delimiter"]!;
        Assert.Equal((string?)row["context"], context);
        Assert.Equal(row["choices"]!.AsArray().Select(choice => goldenDelimiter + choice), choices.Select(choice => delimiter + choice));
        double worst = 0;
        for (int i = 0; i < texts.Count; i++)
        {
            (int[] before, int[] after) = golden.Pairs.Split(context, delimiter + choices[i]);
            Assert.Equal(((int)row["context_tokens"]!, (int)row["choice_tokens"]![i]!, (bool)row["truncated"]![i]!), (before.Length, after.Length, texts[i].Truncated));
            if (row["context_ids"] is { } ids) Assert.Equal([.. Ints(ids), .. Ints(row["choice_ids"]![i]!)], before.Concat(after));
            double difference = Math.Abs((double)row["loglikelihood"]![i]! - scores[i].LogLikelihood) / after.Length;
            Assert.True(difference <= Tolerance, $"row {row["id"]}, choice {i}: {scores[i].LogLikelihood} is not {row["loglikelihood"]![i]}");
            Assert.Equal((bool)row["is_greedy"]![i]!, scores[i].IsGreedy);
            worst = Math.Max(worst, difference);
            if (row["generated_ids"] is { } generated) Assert.Equal(Ints(generated), Generate(golden, before, after.Length));
        }
        if (item is ChoiceItem of && Apart(row, texts)) Assert.Equal(((int)row["gold"]!, (int)row["chosen"]!, (int)row["chosen_norm"]!), (of.Gold, ChoiceItem.Chosen(scores), of.ChosenByCharacter(scores)));
        return worst;
    }

    /// <summary>The two best sums differ by more than the tolerance.</summary>
    private static bool Apart(JsonNode row, IReadOnlyList<ScoredText> texts)
    {
        double[] best = [.. row["loglikelihood"]!.AsArray().Select(sum => (double)sum!).OrderDescending().Take(2)];
        return best[0] - best[1] > Tolerance * texts.Max(text => text.Scored);
    }

    /// <param name="tokens">Of a row: what a mean of sums may differ by.</param>
    private static void CompareMetrics(JsonObject wanted, IReadOnlyList<TaskMetric> metrics, double tokens)
    {
        foreach ((string name, JsonNode? value) in wanted)
        {
            // The harness itself calls MC2 acc.
            TaskMetric metric = metrics.Single(metric => metric.Name == (name == "mc2" ? "acc" : name));
            (double mean, double? error) = value is JsonObject of ? ((double)of["mean"]!, (double?)of["stderr"]) : ((double)value!, null);
            Assert.Equal(mean, metric.Value, Tolerance * Math.Max(1, name.Contains("perplexity") ? mean : tokens));
            Assert.Equal(error is null, metric.StandardError is null);
            if (error is { } sure) Assert.Equal(sure, metric.StandardError!.Value, Tolerance * Math.Max(1, sure));
        }
    }

    private static string Perplexity(GoldenEvaluation golden)
    {
        var (window, most) = ((int)golden.Task["window"]!, (int)golden.Task["max_tokens"]!);
        string text = (string)golden.Json["text"]!;
        int[] ids = [.. golden.Model.Tokenizer.Encode(text, addSpecialTokens: true).Take(most)];
        Assert.Equal(Ints(golden.Json["ids"]!), ids);

        JsonNode strided = golden.Json["strided"]!;
        IReadOnlyList<ScoredText> windows = TextPairs.Strided(ids, window, (int)golden.Task["stride"]!);
        Assert.Equal(strided["spans_begin_end_first_target"]!.AsArray().Select(span => ((int)span![1]! - (int)span[0]!, (int)span[1]! - (int)span[2]!)), windows.Select(of => (of.Ids.Length, of.Scored)));
        double[] losses = [.. golden.Score(windows).SelectMany(score => score.Losses).Select(loss => (double)loss)];
        double[] wanted = [.. strided["nll"]!.AsArray().Select(loss => (double)loss!)];
        Assert.Equal(wanted.Length, losses.Length);
        double[] differences = [.. wanted.Zip(losses, (a, b) => Math.Abs(a - b)).Order()];
        Assert.True(differences[^1] <= SingleTolerance && differences[differences.Length * 99 / 100] <= Tolerance, $"a token's loss differs by {differences[^1]}");
        Assert.Equal(1, Math.Exp(losses.Average()) / (double)strided["perplexity"]!, 1e-5);

        JsonNode rolling = golden.Json["rolling"]!;
        var item = new RollingItem(text, window);
        IReadOnlyList<ScoredText> texts = item.Texts(golden.Pairs);
        if ((int)rolling["targets"]! < most)
        {
            Assert.Equal(rolling["spans_begin_end_first_target"]!.AsArray().Select(span => (int)span![1]! - (int)span[2]! + 1), texts.Select(of => of.Scored));
            IReadOnlyDictionary<string, double> measure = item.Measure(golden.Score(texts));
            Assert.Equal(1, measure["loglikelihood"] / (double)rolling["loglikelihood"]!, 1e-5);
            Assert.Equal((double)rolling["targets"]!, measure["tokens"]);
            foreach (TaskMetric metric in HarnessTasks.Find("perplexity")!.Rules.Select(rule => rule.Over([measure])).Where(metric => rolling[metric.Name] is not null))
                Assert.Equal(1, metric.Value / (double)rolling[metric.Name]!, 1e-4);
            foreach (string unit in new[] { "words", "bytes" }.Where(unit => rolling[unit] is not null)) Assert.Equal((double)rolling[unit]!, measure[unit]);
        }
        return FormattableString.Invariant($"{losses.Length} tokens, losses within {differences[^1]:0.0e0}");
    }

    private static EvaluationTask Read(JsonNode task)
    {
        string kind = (string)task["kind"]!;
        HarnessTask definition = kind switch
        {
            "blimp" => Blimp.Paradigm(kind, (string)task["file"]!, (string)task["delimiter"]!),
            "mmlu" => HarnessTasks.Find($"mmlu_{task["subject"]}")!,
            "arithmetic" => Arithmetic.Of(kind, (string)task["file"]!, asStored: true),
            "gsm8k" => HarnessTasks.Find("gsm8k_answer_perplexity")!,
            _ => HarnessTasks.Find(kind) ?? throw new InvalidOperationException($"no task of kind {kind}"),
        };
        int start = (int)task["start"]!, shots = (int?)task["shots"] ?? 0;
        using FileStream data = Open(definition.DataPath);
        using FileStream? examples = shots == 0 ? null : Open(definition.ShotsPath!);
        var inputs = new TaskInputs(new TaskFile(data, definition.DataPath), examples is null ? null : new TaskFile(examples, definition.ShotsPath!), shots, start + (int)task["count"]!);
        EvaluationTask read = definition.Read(inputs);
        Assert.Empty(inputs.Data.Problems);
        return read with { Items = [.. read.Items.Skip(start)] };
    }

    private static FileStream Open(string path) => File.OpenRead(Shared.Path(["datasets", .. path.Split('/')]));

    private static int[] Generate(GoldenEvaluation golden, int[] prompt, int count)
    {
        var made = new List<int>();
        using var generator = new Generator(golden.Model, maxRows: 1, golden.Longest);
        generator.Add(new GenerationRequest
        {
            Prompt = prompt,
            Adapter = golden.Adapter,
            Parameters = new SamplingParameters { Temperature = 0, MaxTokens = count, IgnoreEndOfText = true },
            OnToken = token => made.Add(token.Id),
            OnFinished = _ => { },
        });
        while (generator.Step()) { }
        return [.. made];
    }

    private static int[] Ints(JsonNode array) => [.. array.AsArray().Select(id => (int)id!)];
}
