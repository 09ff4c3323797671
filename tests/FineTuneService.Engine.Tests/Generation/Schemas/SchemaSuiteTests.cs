using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using FineTuneService.Engine.Generation.Schemas;

namespace FineTuneService.Engine.Tests.Generation.Schemas;

/// <summary>
/// The JSON Schema project's own tests: each schema is compiled, and then accepts every valid instance's text and no invalid one's, or it is
/// refused by name.
/// </summary>
public sealed class SchemaSuiteTests
{
    private static readonly string[] Drafts = ["draft2020-12", "draft7"];

    public static TheoryData<string> Files()
    {
        if (!Shared.Present) return [""];
        string folder = Shared.Path("json-schema", "tests");
        return [.. Directory.EnumerateFiles(folder, "*.json", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(folder, file)).Where(file => Drafts.Contains(file.Split('/')[0])).Order(StringComparer.Ordinal)];
    }

    [Theory, MemberData(nameof(Files))]
    public void Accepts_EachInstance_AsTheSuiteSays(string file)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(Shared.Path("json-schema", "tests", file)));
        var (wrong, refused, schemas) = (new List<string>(), new List<string>(), 0);
        var options = SchemaOptions.Exact with { Draft = file.StartsWith("draft7", StringComparison.Ordinal) ? SchemaDraft.Draft7 : SchemaDraft.Draft202012, AssertFormats = file.Contains("/format/", StringComparison.Ordinal) };
        foreach (JsonElement group in json.RootElement.EnumerateArray())
        {
            schemas++;
            SchemaGrammar grammar;
            try
            {
                grammar = SchemaGrammar.Compile(group.GetProperty("schema"), options);
            }
            catch (SchemaException exception)
            {
                if (exception.Message.Contains("allows no value", StringComparison.Ordinal)) wrong.AddRange(group.GetProperty("tests").EnumerateArray().Where(test => test.GetProperty("valid").GetBoolean()).Select(test => $"{group.GetProperty("description")}: {exception.Message}"));
                else refused.Add($"{group.GetProperty("description")}: {exception.Message}");
                continue;
            }
            foreach (JsonElement test in group.GetProperty("tests").EnumerateArray())
            {
                bool valid = test.GetProperty("valid").GetBoolean();
                wrong.AddRange(Texts(test.GetProperty("data")).Where(text => grammar.Accepts(text) != valid)
                    .Select(text => $"{group.GetProperty("description")}: {test.GetProperty("description")}: {text} is {(valid ? "valid" : "not valid")}"));
            }
        }
        foreach (string line in refused) TestContext.Current.TestOutputHelper?.WriteLine("refused: " + line);
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Fidelity.Passed("json-schema", file, refused.Count == 0 ? $"{schemas} schemas" : $"{schemas} schemas, {refused.Count} of them refused: {string.Join(", ", refused.Select(Keyword).Distinct().Order())}");
    }

    /// <summary>A value as programs write it: compact, with escapes and without, and over several lines.</summary>
    private static IEnumerable<string> Texts(JsonElement value) => new[]
    {
        new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = 4096 },
        new JsonWriterOptions { MaxDepth = 4096 },
        new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, Indented = true, MaxDepth = 4096 },
    }.Select(options =>
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, options)) value.WriteTo(writer);
        return Encoding.UTF8.GetString(stream.ToArray());
    }).Distinct();

    private static string Keyword(string message) => message.Split('\'')[^2] is var last && message.IndexOf(": '", StringComparison.Ordinal) is var at and >= 0 ? message[(at + 3)..message.IndexOf('\'', at + 3)] : last;
}
