using FineTuneService.Engine.Models;
using FineTuneService.Engine.Tests.Models;
using FineTuneService.Engine.Tokenizers;
using static TorchSharp.torch;
using Generator = FineTuneService.Engine.Generation.Generator;

namespace FineTuneService.Engine.Tests.Generation;

/// <summary>LongRoPE's frequencies change once a sequence is longer than the model was first trained on.</summary>
public sealed class LengthDependentRopeTests
{
    private const int Original = 24;

    [Theory, InlineData(4096), InlineData(8)]
    public void Step_AnswersOfSeveralLengths_DrawWhatWholeSequencesGive(int promptTokens)
    {
        using var scope = NewDisposeScope();
        using BaseModel model = Model();
        using var generator = new Generator(model, 4, 256, null, promptTokens);
        // Within the length, across it while decoding, beyond it from the start, and one token.
        int[][] prompts = [Talers.Prompt(3, 1), Talers.Prompt(20, 2), Talers.Prompt(40, 3), Talers.Prompt(1, 4)];
        Talers.Heard[] heard = [.. prompts.Select(prompt => generator.Ask(prompt, parameters: Talers.Greedy with { MaxTokens = 12, IgnoreEndOfText = true }))];
        generator.Finish();
        using var run = new ReferenceRun(model);
        for (int i = 0; i < prompts.Length; i++)
        {
            List<int> ids = [.. prompts[i]];
            for (int token = 0; token < 12; token++) ids.Add((int)run.Logits([[.. ids]])[^1].argmax().item<long>());
            Assert.Equal(ids[prompts[i].Length..], heard[i].Ids);
        }
    }

    private static BaseModel Model()
    {
        Tokenizer tokenizer = Tokenizer.Load(Talers.Folder);
        ModelConfig config = Tiny.Config with
        {
            VocabularySize = ModelConfig.Load(Talers.Folder).VocabularySize,
            InitializerRange = 0.3f,
            RopeScaling = new LongRopeScaling([1, 1.1, 1.2, 1.3], [1.5, 3, 8, 20], Original, 1.2),
        };
        return BaseModel.Random(config, BasePrecision.Fp32, seed: 3, tokenizer);
    }
}
