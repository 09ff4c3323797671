using System.Text.Json;
using System.Text.Json.Nodes;
using FineTuneService.Engine.Generation.Schemas;
using FineTuneService.Engine.Tokenizers;
using JsonSchema = Json.Schema.JsonSchema;

namespace FineTuneService.Engine.Tests.Generation.Schemas;

/// <summary>Texts drawn from random logits, held to a schema: another library's validator must find every one valid.</summary>
public sealed class SchemaSamplingTests
{
    private const int MostTokens = 600, EasyTokens = 60;

    private static readonly Lazy<(Tokenizer Tokenizer, TokenVocabulary Vocabulary)> Talers2m = new(() =>
    {
        var tokenizer = Tokenizer.Load(Talers.Folder);
        return (tokenizer, TokenVocabulary.Of(tokenizer)!);
    });

    public static TheoryData<string> Golden() => Shared.Present
        ? [.. JsonNode.Parse(File.ReadAllText(Shared.Path("golden", "sampling", "schemas.json")))!["schemas"]!.AsArray().Where(one => one!["check_format"] is null).Select(one => (string)one!["name"]!)] : [""];

    [Theory, MemberData(nameof(Golden))]
    public void Apply_RandomLogits_EverySampleIsValid(string name)
    {
        JsonNode one = JsonNode.Parse(File.ReadAllText(Shared.Path("golden", "sampling", "schemas.json")))!["schemas"]!.AsArray().First(schema => (string)schema!["name"]! == name)!;
        Samples(one["schema"]!.ToJsonString(), name, 6, mustEnd: true);
    }

    [Theory, MemberData(nameof(SchemaSuiteTests.Files), MemberType = typeof(SchemaSuiteTests))]
    public void Apply_RandomLogitsOnTheSuite_EverySampleIsValid(string file)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(Shared.Path("json-schema", "tests", file)));
        foreach (JsonElement group in json.RootElement.EnumerateArray())
        {
            JsonElement schema = group.GetProperty("schema");
            string text = schema.GetRawText();
            if (file.StartsWith("draft7", StringComparison.Ordinal) && schema.ValueKind == JsonValueKind.Object && !schema.TryGetProperty("$schema", out _)) text = "{\"$schema\":\"http://json-schema.org/draft-07/schema#\"," + text.TrimStart()[1..];
            Samples(text, $"{file}: {group.GetProperty("description")}", 2, mustEnd: false);
        }
    }

    /// <param name="mustEnd">Chance finds the end of every text; it does not where a text must hold a word.</param>
    private static void Samples(string schema, string name, int count, bool mustEnd)
    {
        SchemaGrammar grammar;
        try
        {
            grammar = SchemaGrammar.Compile(schema, SchemaOptions.Generation);
        }
        catch (SchemaException)
        {
            return; // Refused by name; SchemaSuiteTests says which.
        }
        SchemaGrammar exact = SchemaGrammar.Compile(schema, SchemaOptions.Exact);
        var validator = JsonSchema.FromText(schema);
        for (int seed = 0; seed < count; seed++)
        {
            (string text, bool ended) = Draw(grammar, new Random(seed));
            Assert.True(ended || !mustEnd, $"{name}: no end after {MostTokens} tokens: {text}");
            if (!ended) continue;
            JsonNode? value = JsonNode.Parse(text, documentOptions: new JsonDocumentOptions { MaxDepth = 1024 });
            Assert.True(exact.Accepts(text), $"{name}: the exact grammar refuses {text}");
            Assert.True(name.Contains("ecmascript", StringComparison.Ordinal) || IsValid(validator, value), $"{name}: not valid: {text}"); // The library's patterns are .NET's.
        }
    }

    private static bool IsValid(JsonSchema validator, JsonNode? value)
    {
        try
        {
            return validator.Evaluate(value).IsValid;
        }
        catch (Exception bound) when (bound is FormatException or ArgumentException)
        {
            return true; // A number beyond its decimals, or a name that came twice.
        }
    }

    /// <summary>Draws at random; after a while what leads to the end is favoured, as a model's own sense would.</summary>
    private static (string Text, bool Ended) Draw(SchemaGrammar grammar, Random random)
    {
        (Tokenizer tokenizer, TokenVocabulary vocabulary) = Talers2m.Value;
        int end = tokenizer.IdLimit;
        var session = new SchemaSession(grammar, vocabulary, [end]);
        var bytes = new List<byte>();
        bool isInText = false, isEscaped = false;
        var scores = new float[end + 1];
        for (int drawn = 0; drawn < MostTokens; drawn++)
        {
            IReadOnlyList<int> certain = session.Certain();
            foreach (int token in certain) Take(token);
            if (session.IsComplete) return (System.Text.Encoding.UTF8.GetString([.. bytes]), true);
            if (certain.Count > 0) continue;
            for (int id = 0; id < scores.Length; id++) scores[id] = random.NextSingle() * 8 + (drawn > EasyTokens ? Closing(id) : 0);
            session.Apply(scores, []);
            int best = Array.IndexOf(scores, scores.Max());
            if (best == end) return (System.Text.Encoding.UTF8.GetString([.. bytes]), true);
            Take(best);
        }
        return (System.Text.Encoding.UTF8.GetString([.. bytes]), false);

        void Take(int token)
        {
            session.Take(token);
            foreach (byte next in vocabulary.Bytes(token))
            {
                if (next == '"' && !isEscaped) isInText = !isInText;
                isEscaped = next == '\\' && !isEscaped;
                bytes.Add(next);
            }
        }

        float Closing(int id) => id == end ? 40 : vocabulary.Bytes(id) switch
        {
            [(byte)'"', ..] => isInText ? 30 : 10,
            [(byte)'}' or (byte)']', ..] => isInText ? 0 : 30,
            [(byte)'0'] => 5,
            _ => 0,
        };
    }
}
