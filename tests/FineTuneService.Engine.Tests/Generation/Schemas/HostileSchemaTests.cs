using System.Text;
using FineTuneService.Engine.Generation.Schemas;
using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Engine.Tests.Generation.Schemas;

/// <summary>Schemas come with requests: each bound ends in a sentence.</summary>
public sealed class HostileSchemaTests
{
    private static readonly string Deep = string.Concat(Enumerable.Repeat("{\"not\":", 70)) + "true" + new string('}', 70);

    public static TheoryData<string, string> Schemas() => new()
    {
        { "not JSON", "{" },
        { "a number", "5" },
        { "deep", Deep },
        { "endless $ref", """{"$ref": "#"}""" },
        { "endless $refs", """{"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}""" },
        { "missing $ref", """{"$ref": "#/$defs/none"}""" },
        { "long chain of $refs", Chain(5_000, (i, next) => $"{{\"$ref\": \"{next}\"}}") },
        { "long chain of required", Chain(2_000, (i, next) => $"{{\"type\": \"object\", \"properties\": {{\"a\": {{\"$ref\": \"{next}\"}}}}, \"required\": [\"a\"]}}") },
        { "no value", """{"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]}""" },
        { "counts that multiply", """{"pattern": "^((a{100}){100}){100}$"}""" },
        { "a pattern that becomes many states", """{"pattern": "^(a|b)*a(a|b){40}$"}""" },
        { "look-ahead", """{"pattern": "^(?=a)b"}""" },
        { "back reference", """{"pattern": "(a)\\1"}""" },
        { "a broken pattern", """{"pattern": "[a"}""" },
        { "a long length with a pattern", """{"pattern": "^[a-z]+$", "maxLength": 1000000000}""" },
        { "a product of oneOfs", $"{{\"allOf\": [{string.Join(',', Enumerable.Range(0, 30).Select(i => $"{{\"oneOf\": [{{\"required\": [\"a{i}\"]}}, {{\"required\": [\"b{i}\"]}}]}}"))}]}}" },
        { "a product of nots", $"{{\"not\": {{\"allOf\": [{string.Join(',', Enumerable.Range(0, 300).Select(i => $"{{\"properties\": {{\"p{i}\": {{\"type\": \"string\"}}}}, \"minProperties\": {i}}}"))}]}}, \"type\": \"object\"}}" },
        { "a number of a million digits", $"{{\"minimum\": 1{new string('0', 100_000)}}}" },
        { "an exponent of a billion", """{"minimum": 1e999999999}""" },
        { "multipleOf 0", """{"multipleOf": 0}""" },
        { "too long", $"{{\"description\": \"{new string('x', 300_000)}\"}}" },
        { "many items that must be found", """{"contains": {"const": 1}, "minContains": 1000000}""" },
        { "another draft", """{"$schema": "http://json-schema.org/draft-04/schema#"}""" },
    };

    [Theory, MemberData(nameof(Schemas))]
    public void Compile_HostileSchema_IsRefusedByName(string name, string schema)
    {
        SchemaException refused = Assert.Throws<SchemaException>(() => SchemaGrammar.Compile(schema, SchemaOptions.Generation));
        Assert.True(refused.Message.Length < 600, name);
        Assert.StartsWith("#", refused.Path, StringComparison.Ordinal);
    }

    [Fact]
    public void Accepts_ManyKeys_EndsInTime()
    {
        var schema = new StringBuilder("{\"type\": \"object\", \"additionalProperties\": false, \"properties\": {");
        for (int i = 0; i < 500; i++) schema.Append($"{(i > 0 ? "," : "")}\"key{i}\": {{\"type\": \"integer\"}}");
        var grammar = SchemaGrammar.Compile(schema.Append("}}").ToString(), SchemaOptions.Exact);
        Assert.True(grammar.Accepts("{" + string.Join(", ", Enumerable.Range(0, 500).Reverse().Select(i => $"\"key{i}\": {i}")) + "}"));
        Assert.False(grammar.Accepts("""{"key1": 1, "key1": 2}"""));
    }

    [Fact]
    public void Accepts_DeepText_EndsWhereReadersOfJsonDo()
    {
        var grammar = SchemaGrammar.Compile("""{"type": "array", "items": {"$ref": "#"}}""");
        Assert.True(grammar.Accepts(new string('[', 500) + new string(']', 500)));
        Assert.False(grammar.Accepts(new string('[', 100_000) + new string(']', 100_000)));
    }

    [Fact]
    public void Accepts_LongEnum_TakesEachOfItsNumbers()
    {
        var grammar = SchemaGrammar.Compile($"{{\"enum\": [{string.Join(',', Enumerable.Range(0, 1000).Select(i => $"{i}.5"))}, -0.25, 1e3]}}", SchemaOptions.Generation);
        Assert.True(grammar.Accepts("999.5") && grammar.Accepts("-0.25") && grammar.Accepts("1000"));
        Assert.False(grammar.Accepts("1000.5") || grammar.Accepts("7"));
    }

    /// <summary>Answers that cannot come to their end in the tokens that they have: what is looked for is bounded, and they go on as the schema asks.</summary>
    [Theory]
    [InlineData("""{"type": "string", "minLength": 1000000000}""")]
    [InlineData("""{"type": "string", "minLength": 100000}""")]
    [InlineData("""{"type": "string", "pattern": "^(ab|cd)*$", "minLength": 900}""")]
    [InlineData("""{"type": "string", "pattern": "^(a|b)*a(a|b){9}$", "minLength": 500, "maxLength": 600}""")]
    [InlineData("""{"type": "array", "items": {"type": "string", "minLength": 1000000000}, "uniqueItems": true, "minItems": 3}""")]
    [InlineData("""{"type": "object", "minProperties": 3}""")]
    [InlineData("""{"type": "object", "minProperties": 1000000}""")]
    [InlineData("""{"type": "object", "patternProperties": {"^a.*a$": {"type": "string", "minLength": 5000}, "^b.*b$": {"type": "string", "minLength": 5000}}, "minProperties": 5}""")]
    public void Draw_EndOutOfReach_GoesOnAndEndsInTime(string schema)
    {
        TokenVocabulary vocabulary = TokenVocabulary.Of(Tokenizer.Load(Talers.Folder))!;
        var grammar = SchemaGrammar.Compile(schema, SchemaOptions.Generation);
        var session = new SchemaSession(grammar, vocabulary, [vocabulary.Count]);
        ParseState text = grammar.Start;
        var scores = new float[vocabulary.Count + 8];
        for (int left = 24; left > 0 && !session.IsComplete; left--)
        {
            session.Left = left;
            for (int id = 0; id < scores.Length; id++) scores[id] = (float)Math.Sin(id * 31 + left);
            session.Apply(scores, []);
            int drawn = System.Numerics.Tensors.TensorPrimitives.IndexOfMax(scores);
            if (!session.Fits(drawn))
            {
                session.KeepClosing(scores);
                drawn = System.Numerics.Tensors.TensorPrimitives.IndexOfMax(scores);
            }
            Assert.True(float.IsFinite(scores[drawn]));
            if (drawn == vocabulary.Count) break;
            session.Take(drawn);
            foreach (byte next in vocabulary.Bytes(drawn)) text = text.Next(next);
            Assert.False(text.IsDead);
        }
    }

    private static string Chain(int length, Func<int, string, string> link) =>
        $"{{\"$defs\": {{{string.Join(',', Enumerable.Range(0, length).Select(i => $"\"d{i}\": {(i == length - 1 ? "true" : link(i, $"#/$defs/d{i + 1}"))}"))}}}, \"$ref\": \"#/$defs/d0\"}}";
}
