using System.Text.Json.Nodes;
using FineTuneService.Engine.Generation.Schemas;

namespace FineTuneService.Engine.Tests.Generation.Schemas;

/// <summary>golden/sampling/schemas.json: documents as texts, valid and not.</summary>
public sealed class SchemaGoldenTests
{
    public static TheoryData<string> Names() => Shared.Present ? [.. Golden().Select(one => (string)one!["name"]! + ((bool?)one["check_format"] == true ? " (checked)" : ""))] : [""];

    [Theory, MemberData(nameof(Names))]
    public void Accepts_EachText_AsJsonschemaDoes(string name)
    {
        JsonNode one = Golden().Single(schema => (string)schema!["name"]! + ((bool?)schema["check_format"] == true ? " (checked)" : "") == name)!;
        SchemaOptions options = SchemaOptions.Exact with { AssertFormats = (bool?)one["check_format"] == true };
        SchemaGrammar grammar;
        try
        {
            grammar = SchemaGrammar.Compile(one["schema"]!.ToJsonString(), options);
        }
        catch (SchemaException refused)
        {
            Fidelity.Skipped("sampling", name, refused.Message);
            return;
        }
        foreach (JsonNode? text in one["valid"]!.AsArray()) Assert.True(grammar.Accepts((string)text!), $"{text} is valid");
        foreach (JsonNode? text in one["invalid"]!.AsArray()) Assert.False(grammar.Accepts((string)text!["text"]!), $"{text["text"]} is not valid");
        Fidelity.Passed("sampling", name, "every text judged as jsonschema does");
    }

    private static JsonArray Golden() => JsonNode.Parse(File.ReadAllText(Shared.Path("golden", "sampling", "schemas.json")))!["schemas"]!.AsArray();
}
