using System.Diagnostics;
using System.Text.Json;
using FineTuneService.Engine.Generation.Schemas;
using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Benchmarks.Schemas;

/// <summary>
/// What it costs to hold output to a schema, on a vocabulary of 128k: every schema of the JSON Schema suite and of golden/sampling is
/// compiled, and a text is drawn from it token by token, at random. What is measured is what a token costs: the state's step, what is certain, and the
/// mask itself, made for the first time or kept. Its use on the logits, some 20 µs, is every logit rule's and not counted.
/// </summary>
internal static class SchemaSpeeds
{
    private const int Texts = 3, MostTokens = 120, EasyTokens = 25;

    public static int Run()
    {
        string shared = Environment.GetEnvironmentVariable("SHARED") is { Length: > 0 } folder ? folder : "../shared";
        var watch = Stopwatch.StartNew();
        var tokenizer = Tokenizer.Load(Path.Combine(shared, "tokenizers", "llama3.1"));
        double loaded = watch.Elapsed.TotalMilliseconds;
        TokenVocabulary vocabulary = TokenVocabulary.Of(tokenizer)!;
        Console.WriteLine($"vocabulary {vocabulary.Count:N0} tokens: made ready in {watch.Elapsed.TotalMilliseconds - loaded:F0} ms");
        List<string> schemas = Schemas(shared);
        Measure(schemas, vocabulary, report: false); // Once for the compiler.
        Measure(schemas, vocabulary, report: true);
        return 0;
    }

    private static void Measure(List<string> schemas, TokenVocabulary vocabulary, bool report)
    {
        var (compiles, masks, whole, refused) = (new List<double>(), new List<double>(), 0, 0);
        int certain = 0;
        foreach (string schema in schemas)
        {
            long begun = Stopwatch.GetTimestamp();
            SchemaGrammar grammar;
            try
            {
                grammar = SchemaGrammar.Compile(schema, SchemaOptions.Generation);
            }
            catch (SchemaException)
            {
                refused++;
                continue;
            }
            compiles.Add(Stopwatch.GetElapsedTime(begun).TotalMilliseconds);
            for (int seed = 0; seed < Texts; seed++) whole += Draw(grammar, vocabulary, new Random(seed), masks, ref certain) ? 1 : 0;
        }
        if (!report) return;
        compiles.Sort();
        masks.Sort();
        Console.WriteLine($"schemas {compiles.Count} compiled, {refused} refused; compile ms: median {At(compiles, 0.5):F3}, p99 {At(compiles, 0.99):F2}, most {compiles[^1]:F1}");
        Console.WriteLine($"masks {masks.Count:N0} (and {certain:N0} tokens that were certain), {whole} texts to their end; µs: mean {masks.Average():F1}, median {At(masks, 0.5):F1}, p90 {At(masks, 0.9):F1}, p99 {At(masks, 0.99):F0}, most {masks[^1]:F0}");
    }

    private static bool Draw(SchemaGrammar grammar, TokenVocabulary vocabulary, Random random, List<double> masks, ref int certain)
    {
        int end = 128_256;
        var session = new SchemaSession(grammar, vocabulary, [end]);
        var scores = new float[end + 1];
        for (int drawn = 0; drawn < MostTokens; drawn++)
        {
            Array.Clear(scores);
            long begun = Stopwatch.GetTimestamp();
            IReadOnlyList<int> forced = session.Certain();
            foreach (int token in forced) session.Take(token);
            certain += forced.Count;
            bool complete = session.IsComplete;
            masks.Add(Stopwatch.GetElapsedTime(begun).TotalMicroseconds);
            if (complete) return true;
            session.Apply(scores, []);
            int id = Choose(scores, end, random, vocabulary, drawn > EasyTokens);
            if (id == end) return true;
            begun = Stopwatch.GetTimestamp();
            session.Take(id);
            masks[^1] += Stopwatch.GetElapsedTime(begun).TotalMicroseconds;
        }
        return false;
    }

    private static int Choose(float[] scores, int end, Random random, TokenVocabulary vocabulary, bool toTheEnd)
    {
        if (scores[end] == 0 && (toTheEnd || random.Next(4) == 0)) return end;
        for (int tried = 0; tried < 200; tried++)
        {
            int id = random.Next(end);
            if (scores[id] == 0 && (!toTheEnd || vocabulary.Bytes(id) is [.., (byte)'"' or (byte)'}' or (byte)']'])) return id;
        }
        int from = random.Next(end);
        for (int i = 0; i <= end; i++)
        {
            if (scores[(from + i) % (end + 1)] == 0) return (from + i) % (end + 1);
        }
        return end;
    }

    private static List<string> Schemas(string shared)
    {
        var schemas = new List<string>();
        foreach (string file in Directory.EnumerateFiles(Path.Combine(shared, "json-schema", "tests", "draft2020-12"), "*.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            using var json = JsonDocument.Parse(File.ReadAllText(file));
            schemas.AddRange(json.RootElement.EnumerateArray().Select(group => group.GetProperty("schema").GetRawText()));
        }
        using var golden = JsonDocument.Parse(File.ReadAllText(Path.Combine(shared, "golden", "sampling", "schemas.json")));
        schemas.AddRange(golden.RootElement.GetProperty("schemas").EnumerateArray().Select(one => one.GetProperty("schema").GetRawText()));
        return schemas;
    }

    private static double At(List<double> sorted, double share) => sorted[Math.Min(sorted.Count - 1, (int)(sorted.Count * share))];
}
