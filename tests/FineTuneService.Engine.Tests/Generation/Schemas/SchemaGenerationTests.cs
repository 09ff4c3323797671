using FineTuneService.Engine.Generation;
using FineTuneService.Engine.Generation.Schemas;
using FineTuneService.Engine.Models;
using Generator = FineTuneService.Engine.Generation.Generator;

namespace FineTuneService.Engine.Tests.Generation.Schemas;

/// <summary>A model's answers, held to a schema.</summary>
public sealed class SchemaGenerationTests
{
    private const string Schema = """
        {"type": "object", "properties": {"temperature_in_celsius": {"type": "integer", "minimum": -50, "maximum": 60}, "conditions": {"enum": ["sunny", "cloudy with showers"]},
         "next": {"type": "array", "items": {"type": "boolean"}, "minItems": 2, "maxItems": 2}}, "required": ["temperature_in_celsius", "conditions", "next"], "additionalProperties": false}
        """;

    [Fact]
    public void Step_HeldToASchema_EveryAnswerIsValidAndCertainTokensAreNotDrawn()
    {
        using BaseModel model = Talers.Load();
        var schema = new OutputSchema(SchemaGrammar.Compile(Schema, SchemaOptions.Generation), TokenVocabulary.Of(model.Tokenizer)!);
        using var generator = new Generator(model, 4, 512);
        var answers = new (List<GeneratedToken> Tokens, FinishReason? Finish)[12];
        for (int i = 0; i < answers.Length; i++)
        {
            int number = i;
            answers[i].Tokens = [];
            generator.Add(new GenerationRequest
            {
                Prompt = Talers.Prompt(5, i),
                Parameters = new SamplingParameters { MaxTokens = 200, Temperature = 2, Seed = (ulong)i, Schema = schema, FrequencyPenalty = i % 2, TopLogProbabilities = i % 3 == 0 ? 2 : null },
                OnToken = answers[i].Tokens.Add,
                OnFinished = reason => answers[number].Finish = reason,
            });
        }
        int steps = 0;
        while (generator.Step()) steps++;
        SchemaGrammar exact = SchemaGrammar.Compile(Schema);
        foreach ((List<GeneratedToken> tokens, FinishReason? finish) in answers)
        {
            string text = string.Concat(tokens.Select(token => token.Text));
            Assert.True(exact.Accepts(text), text);
            Assert.Equal(FinishReason.Stop, finish);
            Assert.Equal(text, model.Tokenizer.Decode([.. tokens.Where(token => !token.IsEnd).Select(token => token.Id)]));
        }
        Assert.True(steps < answers.Sum(answer => answer.Tokens.Count), "tokens that are certain cost no step of their own");
        Assert.True(answers.Select(answer => string.Concat(answer.Tokens.Select(token => token.Text))).Distinct().Count() > 3, "what is not certain is the model's");
    }

    [Fact]
    public void Step_HeldAndFreeRowsTogether_FreeRowsAreAsAlone()
    {
        using BaseModel model = Talers.Load();
        var schema = new OutputSchema(SchemaGrammar.Compile(Schema, SchemaOptions.Generation), TokenVocabulary.Of(model.Tokenizer)!);
        using var generator = new Generator(model, 4, 512);
        Talers.Heard alone = generator.Ask(Talers.Prompt(20));
        generator.Finish();
        Talers.Heard free = generator.Ask(Talers.Prompt(20)), held = generator.Ask(Talers.Prompt(7), parameters: Talers.Greedy with { Schema = schema, MaxTokens = 200, IgnoreEndOfText = false });
        generator.Finish();
        Assert.Equal(alone.Ids, free.Ids);
        Assert.True(SchemaGrammar.Compile(Schema).Accepts(model.Tokenizer.Decode([.. held.Ids])));
    }

    [Theory]
    [InlineData("""{"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "array", "items": {"type": "object", "properties": {"x": {"type": "number"}, "y": {"type": "string", "minLength": 3}}, "required": ["x", "y"]}, "minItems": 1}, "c": {"enum": ["one", "two"]}}, "required": ["a", "b", "c"]}""")]
    [InlineData("""{"type": "object"}""")]
    [InlineData("""{"type": "string", "pattern": "^[a-z]+-[0-9]{3}$"}""")]
    [InlineData("""{"type": "array", "items": {"type": "integer"}, "uniqueItems": true}""")]
    [InlineData("""{"$defs": {"node": {"type": "object", "properties": {"next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}, "name": {"type": "string"}}, "required": ["name", "next"], "additionalProperties": false}}, "$ref": "#/$defs/node"}""")]
    [InlineData("""{"type": "number", "minimum": 1000}""")]
    public void Step_FewTokens_AreUsedToBringTheTextToItsEnd(string schema)
    {
        using BaseModel model = Talers.Load();
        var held = new OutputSchema(SchemaGrammar.Compile(schema, SchemaOptions.Generation), TokenVocabulary.Of(model.Tokenizer)!);
        using var generator = new Generator(model, 8, 512);
        Talers.Heard[] all = [.. Enumerable.Range(0, 16).Select(i => generator.Ask(
            Talers.Prompt(5, i), parameters: new SamplingParameters { MaxTokens = 60 + 3 * i, Temperature = 2, Seed = (ulong)i, Schema = held, TopLogProbabilities = i % 2 == 0 ? 0 : null }))];
        generator.Finish();
        SchemaGrammar exact = SchemaGrammar.Compile(schema);
        foreach (Talers.Heard one in all)
        {
            string text = model.Tokenizer.Decode([.. one.Ids]);
            Assert.True(exact.Accepts(text), text);
            Assert.Equal(FinishReason.Stop, one.Finish);
        }
    }

    [Fact]
    public void Step_StopStringOrLimitInsideTheText_EndsThere()
    {
        using BaseModel model = Talers.Load();
        var schema = new OutputSchema(SchemaGrammar.Compile(Schema, SchemaOptions.Generation), TokenVocabulary.Of(model.Tokenizer)!);
        using var generator = new Generator(model, 4, 512);
        SamplingParameters parameters = Talers.Greedy with { Schema = schema, IgnoreEndOfText = false };
        Talers.Heard stopped = generator.Ask(Talers.Prompt(5), parameters: parameters with { Stop = ["celsius"], MaxTokens = 100 }), cut = generator.Ask(Talers.Prompt(5), parameters: parameters with { MaxTokens = 3 });
        generator.Finish();
        Assert.Equal((FinishReason.Stop, FinishReason.Length, 3), (stopped.Finish, cut.Finish, cut.Ids.Count));
    }
}
