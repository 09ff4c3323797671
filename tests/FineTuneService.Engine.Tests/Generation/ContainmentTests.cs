using FineTuneService.Engine.Generation;
using FineTuneService.Engine.Generation.Schemas;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Tests.Lora;
using Generator = FineTuneService.Engine.Generation.Generator;

namespace FineTuneService.Engine.Tests.Generation;

/// <summary>What goes wrong in one row ends that row; its neighbours answer as if it were not there.</summary>
public sealed class ContainmentTests
{
    /// <summary>A huge number among the queries only makes attention look at one place: that is a finite answer.</summary>
    public static TheoryData<float, string, double> Poisons =>
    [
        .. new MatrixTheoryData<float, string, double>([float.NaN, float.PositiveInfinity, float.NegativeInfinity], ["layers.0.self_attn.q_proj", "layers.1.self_attn.k_proj"], [0, 1]),
        .. new MatrixTheoryData<float, string, double>([float.NaN, 1e30f, 3e38f], ["layers.1.self_attn.v_proj", "layers.0.mlp.down_proj", "layers.3.mlp.up_proj"], [0, 1]),
    ];

    [Theory, MemberData(nameof(Poisons))]
    public void Step_AdapterThatGivesNoNumbers_EndsItsRowsAlone(float poison, string module, double temperature)
    {
        using BaseModel model = Talers.Load();
        using Adapter bad = WarmAdapter.Make(model, 1), good = WarmAdapter.Make(model, 2);
        // One number of one matrix, as a damaged file has it.
        bad.Values.Parts.Single(part => part.Module.EndsWith(module, StringComparison.Ordinal)).B.narrow(0, 0, 1).narrow(1, 0, 1).fill_(poison);
        SamplingParameters drawn = Talers.Greedy with { Temperature = temperature, Seed = 5 };
        int[][] prompts = [Talers.Prompt(9), Talers.Prompt(40, 1)];

        using Generator alone = new(model, 8, 256), together = new(model, 8, 256);
        Talers.Heard[] wanted = [alone.Ask(prompts[0], good, drawn), alone.Ask(prompts[1], null, drawn)];
        alone.Finish();
        Talers.Heard[] ended = [together.Ask(prompts[0], bad, drawn), together.Ask(prompts[1], bad, drawn)];
        Talers.Heard[] made = [together.Ask(prompts[0], good, drawn), together.Ask(prompts[1], null, drawn)];
        together.Finish();

        Assert.All(ended, row => Assert.Equal(FinishReason.NonFinite, row.Finish));
        Assert.Equal(wanted.Select(row => row.Ids), made.Select(row => row.Ids));
        Assert.All(made, row => Assert.Equal(FinishReason.Length, row.Finish));
    }

    [Fact]
    public void Step_ForwardThatThrows_EndsTheRowWhoseFaultItIs()
    {
        using BaseModel model = Talers.Load(), other = BaseModel.Random(model.Config with { HiddenSize = 96, HeadDim = 16 }, BasePrecision.Fp32, seed: 1);
        using Adapter misfit = WarmAdapter.Make(other, 1);
        var failures = new List<Exception>();
        using Generator alone = new(model, 4, 256), together = new(model, 4, 256) { OnFailure = failures.Add };
        Talers.Heard wanted = alone.Ask(Talers.Prompt(20));
        alone.Finish();
        Talers.Heard first = together.Ask(Talers.Prompt(20));
        together.Step();
        together.Step();
        Talers.Heard ended = together.Ask(Talers.Prompt(5, 3), misfit), second = together.Ask(Talers.Prompt(20));
        together.Finish();
        Assert.Equal(FinishReason.Failed, ended.Finish);
        Assert.Single(failures);
        Assert.Equal(wanted.Ids, first.Ids);
        Assert.Equal(wanted.Ids, second.Ids);
    }

    [Fact]
    public void Step_SchemaWhoseTokensTakeLong_LeavesTheDeviceToOthers()
    {
        using BaseModel model = Talers.Load();
        using var generator = new Generator(model, 8, 256);
        string keys = string.Join(',', Enumerable.Range(0, 400).Select(i => $"\"p{i}\"")), properties = string.Join(',', Enumerable.Range(0, 400).Select(i => $$"""" "p{{i}}": {"type": "string", "minLength": 3}""""));
        var schema = SchemaGrammar.Compile($$""""{"type": "object", "properties": {{{properties}}}, "required": [{{keys}}], "additionalProperties": false}"""", SchemaOptions.Generation);
        var held = new OutputSchema(schema, TokenVocabulary.Of(model.Tokenizer)!);
        Talers.Heard[] slow = [.. Enumerable.Range(0, 4).Select(i => generator.Ask(Talers.Prompt(9, i), null, Talers.Greedy with { MaxTokens = 60, Schema = held }))];
        Talers.Heard free = generator.Ask(Talers.Prompt(9), null, Talers.Greedy with { MaxTokens = 60 });
        while (free.Finish is null) Assert.True(generator.Step());
        Assert.Equal(60, free.Ids.Count);
        // One at a time and a fifth of the time: all four would have had sixty each.
        Assert.InRange(slow.Sum(row => row.Ids.Count), 0, 60);
    }

    [Fact]
    public void Step_ListenerThatThrows_EndsItsRowAlone()
    {
        using BaseModel model = Talers.Load();
        using var generator = new Generator(model, 4, 256);
        FinishReason? finish = null;
        GenerationRequest Broken(Action<GeneratedToken> token, Action<FinishReason> finished) =>
            new() { Prompt = Talers.Prompt(4), Parameters = Talers.Greedy, OnToken = token, OnFinished = finished };
        generator.Add(Broken(_ => throw new InvalidOperationException("listener"), reason => finish = reason));
        generator.Add(Broken(_ => { }, _ => throw new InvalidOperationException("listener")));
        Talers.Heard good = generator.Ask(Talers.Prompt(4));
        generator.Finish();
        Assert.Equal(FinishReason.Failed, finish);
        Assert.Equal((FinishReason.Length, 12), (good.Finish, good.Ids.Count));
        Assert.False(generator.Step());
    }
}
