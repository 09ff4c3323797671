using System.Text;
using System.Text.Json.Nodes;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Evaluation;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Models.Gguf;
using FineTuneService.Engine.Training;

namespace FineTuneService.Engine.Tests.Models;

/// <summary>The real model of the reference folder, SmolLM2-135M-Instruct in Q4_1: what takes minutes, run by <c>./dev test --all</c>.</summary>
public sealed class SmolLmTests
{
    private const int HeldOut = 32, Steps = 50;

    private static string File => Shared.Path("models/smollm2-135m-instruct-gguf/SmolLM2-135M-Instruct.Q4_1.gguf");

    /// <summary>Until a token whose runner-up is too near for two orders of summation to agree.</summary>
    [Fact(Explicit = true)]
    public void Greedy_GoldenChats_EqualTransformers()
    {
        using BaseModel model = BaseModel.Load(File, BasePrecision.Fp32);
        using var run = new ReferenceRun(model);
        JsonNode golden = Read("greedy.json");
        int compared = 0;
        foreach (JsonNode? chat in golden["cases"]!.AsArray())
        {
            int[] ids = Ids(chat!["ids"]!);
            int sure = chat["close_calls"]!.AsArray().Select(at => (int)at!).DefaultIfEmpty(ids.Length).Min();
            Assert.Equal(ids[..sure], run.Greedy(Ids(chat["prompt_ids"]!), sure));
            compared += sure;
        }
        Fidelity.Passed("gguf models", "SmolLM2-135M-Instruct.Q4_1 (greedy)", $"{compared} tokens");
    }

    [Fact(Explicit = true)]
    public void Loss_OfAText_EqualsTransformers()
    {
        using BaseModel model = BaseModel.Load(File, BasePrecision.Fp32);
        using var run = new ReferenceRun(model);
        JsonNode golden = Read("perplexity.json");
        Assert.Equal((double)golden["mean_nll"]!, run.Loss([Ids(golden["ids"]!)]), 1e-4);
    }

    /// <summary>Fine-tuned, merged, exported, loaded: the held-out loss falls, and stays where it fell to.</summary>
    [Fact(Explicit = true)]
    public void Train_FiftySteps_LowersTheHeldOutLossAndTheExportKeepsIt()
    {
        using BaseModel model = BaseModel.Load(File, new BasePrecision(MachineDtype.Fastest));
        IReadOnlyList<TrainingRow> rows = Rows(model);
        using var folder = new TemporaryFolder();
        var config = new TrainingConfig { Lora = new LoraConfig { Rank = 8 }, MicroBatchSize = 4, MaxSteps = Steps, LearningRate = 5e-4 };
        var losses = new List<double>();
        using var trainer = new Trainer(model, config, [.. rows.Skip(HeldOut)], [.. rows.Take(HeldOut)], Path.Combine(folder.Path, "checkpoints"));
        trainer.Run(e =>
        {
            if (e is Evaluated evaluated) losses.Add(evaluated.Loss);
        });
        using Adapter adapter = trainer.Adapter!;
        Assert.True(losses[^1] < losses[0] - 0.1, $"held-out loss {losses[0]:0.000} to {losses[^1]:0.000}");

        string merged = Path.Combine(folder.Path, "merged"), exported = Path.Combine(folder.Path, "merged.gguf");
        AdapterMerge.Save(model, adapter, merged, ComputeDtype.Fp32);
        GgufExport.Write(merged, exported, GgufFileType.Q8_0, "merged");
        using BaseModel back = BaseModel.Load(exported, model.Precision);
        Assert.Equal(losses[^1], Loss(back, [.. rows.Take(HeldOut)]), 0.02);
        Fidelity.Passed("gguf models", "SmolLM2-135M-Instruct.Q4_1 (trained)", $"held-out loss {losses[0]:0.00} to {losses[^1]:0.00} in {Steps} steps");
    }

    private static double Loss(BaseModel model, TrainingRow[] rows)
    {
        using var evaluation = new BatchedEvaluation();
        EvaluationSums sums = default;
        foreach (IReadOnlyList<TrainingRow> batch in BatchedEvaluation.Batches(rows)) sums += evaluation.Batch(model, null, batch);
        return sums.Result.Loss;
    }

    /// <summary>LLaMA-Factory's chats, whose contents are lists of parts.</summary>
    private static IReadOnlyList<TrainingRow> Rows(BaseModel model)
    {
        var lines = new StringBuilder();
        foreach (string line in System.IO.File.ReadLines(Shared.Path("datasets/llamafactory/v1_sft_demo.jsonl")).Take(HeldOut + 4 * Steps))
        {
            JsonArray messages = [.. JsonNode.Parse(line)!["messages"]!.AsArray().Select(message => new JsonObject
            {
                ["role"] = (string)message!["role"]!,
                ["content"] = string.Concat(message["content"]!.AsArray().Select(part => (string)part!["value"]!)),
            })];
            lines.AppendLine(new JsonObject { ["messages"] = messages }.ToJsonString());
        }
        using var file = new MemoryStream(Encoding.UTF8.GetBytes(lines.ToString()));
        return RowEncoder.For(model.Config, model.Tokenizer, model.ChatTemplate, model.EosIds, 192).Encode(Dataset.Read(file)).Rows;
    }

    private static JsonNode Read(string name) => JsonNode.Parse(System.IO.File.ReadAllText(Shared.Path("golden/smollm2", name)))!;

    private static int[] Ids(JsonNode ids) => [.. ids.AsArray().Select(id => (int)id!)];
}
