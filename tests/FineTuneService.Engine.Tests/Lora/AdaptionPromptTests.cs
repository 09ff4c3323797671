using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Models.Families;
using FineTuneService.Engine.Operations;
using FineTuneService.Engine.Tests.Autograd;
using FineTuneService.Engine.Training;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Lora;

/// <summary>LLaMA-Adapter's prompts: what they add, and what they refuse.</summary>
public sealed class AdaptionPromptTests : IDisposable
{
    private static readonly LoraConfig Config = LoraConfig.OfPrompt(new AdaptionPromptConfig { Length = 3, Layers = 1 });

    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void Create_NewPrompts_ChangeNothingUntilAGateOpens()
    {
        using var scope = NewDisposeScope();
        using BaseModel model = BaseModel.Random(Tiny.Config, BasePrecision.Fp32, seed: 3);
        using Adapter adapter = Adapter.Create(model, Config, seed: 4);
        using var run = new Tests.Models.ReferenceRun(model);
        int[][] rows = [[1, 5, 9, 2], [3, 8]];
        Assert.True(adapter.ChangesNothing);
        Assert.Equal(3 * Tiny.Config.HiddenSize + 1, adapter.ParameterCount);
        Tensor without = run.Logits(rows);
        Assert.True(without.Equals(run.Logits(rows, adapter)));
        adapter.Values.Prompts.Single().Gate.fill_(1);
        adapter.Changed();
        Assert.False(adapter.ChangesNothing);
        Assert.True((run.Logits(rows, adapter) - without).abs().max().item<float>() > 1e-4);
    }

    /// <summary>The adapter's rows are the first ten of seventeen.</summary>
    [Theory, InlineData(ScalarType.Float32), InlineData(ScalarType.BFloat16)]
    public void PromptAttention_SomeRows_EqualsAutograd(ScalarType dtype)
    {
        const int tokens = 17, prompted = 10;
        ModelConfig config = Tiny.Config;
        using var scope = NewDisposeScope();
        using var run = new TapeRun();
        using BaseModel model = BaseModel.Random(config with { InitializerRange = 0.2f }, new BasePrecision(dtype == ScalarType.Float32 ? ComputeDtype.Fp32 : ComputeDtype.Bf16), seed: 3);
        using Adapter adapter = Adapter.Create(model, Config, seed: 4);
        PromptTensors values = adapter.Values.Prompts.Single();
        values.Gate.fill_(0.7f);
        adapter.Changed();
        using var gradients = new LoraTensors(adapter.Values.Layout, ScalarType.Float32, CPU);
        LinearWeight projection = model.Weights.Layers[1].Qkv;
        (int queries, int keys) = (config.Heads * config.HeadDim, config.KeyValueHeads * config.HeadDim);
        (Tensor x, Tensor base0, Tensor dy) = (Leaf.Draw(1, dtype, tokens, queries + 2 * keys) * 2, Leaf.Draw(2, dtype, tokens, queries), Leaf.Draw(3, dtype, tokens, queries));
        Activation qkv = TapeRun.Input(x).AlsoRead(), attended = TapeRun.Input(base0);
        var shape = new AttentionShape(1, tokens, config.Heads, config.KeyValueHeads, config.HeadDim);
        Pass pass = run.Pass(new Gradients(gradients), adapter, prompted);
        IReadOnlyList<AdapterRows> on = PromptAttention.On(projection, pass);
        Assert.Empty(PromptAttention.On(model.Weights.Layers[0].Qkv, pass));
        Activation output = PromptAttention.Forward(attended, qkv, on, projection, shape, null, pass);
        Tensor made = output.Value.clone();
        run.Backward((output, dy));

        Tensor wanted = zeros(0);
        GradientAssert.Equal(dtype, [("d queries", qkv.Grad!.narrow(1, 0, queries)), ("d attended", attended.Grad!), ("d prompt", gradients.Prompts.Single().Prompt), ("d gate", gradients.Prompts.Single().Gate)], computed =>
        {
            (Tensor leafX, Tensor leafBase, Tensor leafGate) = (Leaf.Of(x, computed), Leaf.Of(base0, computed), Leaf.Of(values.Gate, computed));
            Tensor leafPrompt = Leaf.Of(values.Prompt.to_type(dtype), computed);
            Tensor projected = leafPrompt.view(3, -1).matmul(projection.Stored!.to_type(computed).t());
            Tensor Heads(Tensor t, int heads) => t.view(-1, heads, config.HeadDim).transpose(0, 1);
            Tensor k = Heads(projected.narrow(1, queries, keys), config.KeyValueHeads).repeat_interleave(2, 0);
            Tensor v = Heads(projected.narrow(1, queries + keys, keys), config.KeyValueHeads).repeat_interleave(2, 0);
            Tensor q = Heads(leafX.narrow(0, 0, prompted).narrow(1, 0, queries), config.Heads);
            Tensor mixed = (q.matmul(k.transpose(1, 2)) / Math.Sqrt(config.HeadDim)).softmax(-1).matmul(v).transpose(0, 1).reshape(prompted, queries) * leafGate;
            Tensor whole = leafBase + cat([mixed, zeros([tokens - prompted, queries], computed)], 0);
            if (computed == ScalarType.Float32) wanted = whole.detach();
            (whole * dy).sum().backward();
            return [leafX.grad!.narrow(1, 0, queries), leafBase.grad!, leafPrompt.grad!, leafGate.grad!];
        });
        Assert.True((made.to_type(ScalarType.Float32) - wanted).abs().max().item<float>() < (dtype == ScalarType.Float32 ? 1e-5 : 0.05));
        Assert.Equal(0, qkv.Grad!.narrow(0, prompted, tokens - prompted).abs().max().to_type(ScalarType.Float32).item<float>());
    }

    /// <summary>Through the trainer, all rows a step: it learns, goes on from a checkpoint to the same bits, and gradient checkpointing changes none.</summary>
    [Fact]
    public void Trainer_Prompts_LearnAndResumeToTheSameBits()
    {
        var config = new TrainingConfig { Lora = LoraConfig.OfPrompt(new AdaptionPromptConfig { Length = 4, Layers = 2 }), LearningRate = 5e-2, MicroBatchSize = 3, MaxSteps = 12, SaveEvery = 2 };
        (byte[] whole, double first, double last) = Run(config, "whole");
        Assert.True(last < first, $"the loss went from {first} to {last}");
        Run(config, "stopped", stopAfter: 4);
        Assert.Equal(whole, Run(config, "stopped").Trained);
        Assert.Equal(whole, Run(config with { GradientCheckpointing = true }, "recomputed").Trained);
    }

    [Fact]
    public void Layout_WhatPeftDoesNotHave_IsRefusedByName()
    {
        string Refusal(ModelConfig model, AdaptionPromptConfig prompt) => Assert.Throws<ArgumentException>(() => LoraLayout.Of(model.Slots, LoraConfig.OfPrompt(prompt))).Message;
        Assert.Contains("qwen2 model", Refusal(Tiny.Config with { Family = Qwen2.Family }, new AdaptionPromptConfig()));
        Assert.Contains("adapter_layers 3", Refusal(Tiny.Config, new AdaptionPromptConfig { Layers = 3 }));
        Assert.Contains("adapter_len 0", Refusal(Tiny.Config, new AdaptionPromptConfig { Length = 0 }));
        Assert.Single(LoraLayout.Of(Tiny.Config.Slots, LoraConfig.OfPrompt(new AdaptionPromptConfig())).Prompts); // All but the first two, and at least one.
        var unknown = Assert.Throws<AdapterException>(() => PeftConfig.Parse("""{"peft_type": "ADAPTION_PROMPT", "adapter_len": 4, "adapter_layers": 2, "gate_type": "tanh"}"""));
        Assert.Contains("gate_type is not supported", unknown.Message);
    }

    public void Dispose() => _folder.Dispose();

    private (byte[] Trained, double First, double Last) Run(TrainingConfig config, string folder, int stopAfter = int.MaxValue)
    {
        using BaseModel model = BaseModel.Random(Tiny.Config, BasePrecision.Fp32, seed: 3);
        using var trainer = new Trainer(model, config, Tiny.Rows(3), null, Path.Combine(_folder.Path, folder));
        using Adapter adapter = trainer.Adapter!;
        var steps = new List<StepFinished>();
        trainer.Run(happened => { if (happened is StepFinished step) steps.Add(step); }, () => steps.LastOrDefault()?.Step >= stopAfter);
        return (adapter.Values.Flat.bytes.ToArray(), steps[0].Loss, steps[^1].Loss);
    }
}
