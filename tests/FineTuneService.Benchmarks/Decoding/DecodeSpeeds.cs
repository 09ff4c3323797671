using System.Diagnostics;
using FineTuneService.Engine.Generation;
using FineTuneService.Engine.Generation.Schemas;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Quantization;

namespace FineTuneService.Benchmarks.Decoding;

/// <summary>
/// One answer at a time on SmolLM2-135M-Instruct in Q4_1, its blocks as stored: tokens per second beside what memory allows (every weight is
/// read once per token), and what it costs to hold the answer to a schema.
/// </summary>
internal static class DecodeSpeeds
{
    private const int Tokens = 96, Rounds = 5;

    /// <summary>Most of its text is the model's own.</summary>
    private const string FreeText = """{"type": "string", "minLength": 2000}""";

    /// <summary>Most of its text is certain.</summary>
    private const string Forced = """
        {"type": "object", "additionalProperties": false, "required": ["the_name_of_the_customer_who_wrote", "the_kind_of_request_that_it_is", "whether_somebody_has_to_answer_it_today"],
         "properties": {"the_name_of_the_customer_who_wrote": {"enum": ["unknown"]}, "the_kind_of_request_that_it_is": {"enum": ["a complaint about a delivery", "a question about a price"]},
         "whether_somebody_has_to_answer_it_today": {"type": "boolean"}}}
        """;

    public static int Run()
    {
        string shared = Environment.GetEnvironmentVariable("SHARED") is { Length: > 0 } folder ? folder : "../shared";
        string path = Path.Combine(shared, "models", "smollm2-135m-instruct-gguf", "SmolLM2-135M-Instruct.Q4_1.gguf");
        var precision = new BasePrecision(ComputeDtype.Fp32, QuantizationType.AsStored);
        using BaseModel model = BaseModel.Load(path, precision);
        TokenVocabulary vocabulary = TokenVocabulary.Of(model.Tokenizer)!;
        int[] prompt = [.. model.Tokenizer.Encode("Once upon a time there was", addSpecialTokens: true)];
        double bytes = precision.BytesOf(model.Config, path), bandwidth = Bandwidth();
        SamplingParameters free = new() { Temperature = 0, MaxTokens = Tokens, IgnoreEndOfText = true };

        (double Seconds, int Tokens)[] runs = Interleaved(
            () => Answer(model, prompt, free),
            () => Answer(model, prompt, free with { Schema = Of(FreeText, vocabulary), IgnoreEndOfText = false }),
            () => Answer(model, prompt, free with { Schema = Of(Forced, vocabulary), IgnoreEndOfText = false }));
        double[] speeds = [.. runs.Select(run => run.Tokens / run.Seconds)];
        double bound = bandwidth / bytes;
        Console.WriteLine($"memory {bandwidth / 1e9:F1} GB/s read by two threads; {bytes / 1e6:F0} MB per token: at most {bound:F0} tokens/s");
        Console.WriteLine($"free {speeds[0]:F1} tokens/s; a schema's free text {speeds[1]:F1}; a schema whose text is mostly certain {speeds[2]:F1} ({runs[2].Tokens} tokens)");
        bool holds = Limits.Holds($"Q4_1 decodes at {speeds[0] / bound:F2} of the bound (0.5)", speeds[0] >= 0.5 * bound);
        holds &= Limits.Holds($"held to a schema at {speeds[1] / speeds[0]:F2} of free text (0.9)", speeds[1] >= 0.9 * speeds[0]);
        holds &= Limits.Holds($"mostly certain at {speeds[2] / speeds[0]:F2} of free text (1.0)", speeds[2] > speeds[0]);
        return holds ? 0 : 1;
    }

    private static OutputSchema Of(string schema, TokenVocabulary vocabulary) => new(SchemaGrammar.Compile(schema, SchemaOptions.Generation), vocabulary);

    /// <summary>The best round of each, taken in turns, so that a noisy moment does not meet one kind alone.</summary>
    private static (double Seconds, int Tokens)[] Interleaved(params Func<(double Seconds, int Tokens)>[] kinds)
    {
        foreach (Func<(double, int)> kind in kinds) kind();
        var rounds = Enumerable.Range(0, Rounds).Select(_ => kinds.Select(kind => kind()).ToArray()).ToArray();
        return [.. kinds.Select((_, i) => rounds.Select(round => round[i]).MinBy(run => run.Seconds / run.Tokens))];
    }

    /// <summary>From the first token on: the prompt's reading is not decoding.</summary>
    private static (double Seconds, int Tokens) Answer(BaseModel model, int[] prompt, SamplingParameters parameters)
    {
        using var generator = new Generator(model, maxRows: 1, capacity: 256);
        int made = 0;
        long first = 0;
        generator.Add(new GenerationRequest
        {
            Prompt = prompt,
            Parameters = parameters,
            OnToken = _ =>
            {
                if (made++ == 0) first = Stopwatch.GetTimestamp();
            },
            OnFinished = _ => { },
        });
        while (generator.Step()) { }
        return (Stopwatch.GetElapsedTime(first).TotalSeconds, made - 1);
    }

    /// <summary>Bytes per second that as many threads as there are cores read of memory that no cache holds; the best of a few.</summary>
    private static double Bandwidth()
    {
        var numbers = new long[64 << 20];
        numbers.AsSpan().Fill(1);
        int threads = Environment.ProcessorCount, part = numbers.Length / threads;
        double best = Enumerable.Range(0, 8).Min(_ => Samples.Seconds(() => Parallel.For(0, threads, i => Sum(numbers.AsSpan(i * part, part)))));
        return (double)threads * part * sizeof(long) / best;
    }

    private static long Sum(ReadOnlySpan<long> numbers) => System.Numerics.Tensors.TensorPrimitives.Sum(numbers);
}
