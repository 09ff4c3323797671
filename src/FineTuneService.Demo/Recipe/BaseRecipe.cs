using FineTuneService.Demo.World;
using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Tokenizers;
using FineTuneService.Engine.Training;

namespace FineTuneService.Demo.Recipe;

/// <summary>
/// Makes the embedded base model from nothing: text, tokenizer, random weights, full-parameter training in two lessons, and a
/// Hugging Face folder. Everything is drawn by seed.
/// </summary>
internal static class BaseRecipe
{
    public const int DefaultSteps = 2500;

    private const ulong Seed = 1;
    private const int RowLength = 128;
    private const int CurveEvery = 250;

    private static readonly TrainingConfig Copy = new()
    {
        Lora = null,
        LearningRate = 1e-3,
        Scheduler = LrScheduler.Constant,
        WarmupSteps = 60,
        Optimizer = new() { Beta2 = 0.95, WeightDecay = 0.01 },
        MicroBatchSize = 4,
        MaxSteps = 1200,
        Seed = Seed,
    };

    private static readonly TrainingConfig Know = Copy with
    {
        LearningRate = 1.5e-3,
        Scheduler = LrScheduler.Cosine,
        MicroBatchSize = 8,
    };

    /// <param name="folder">Is created; its files are replaced.</param>
    /// <param name="steps">Of the second lesson.</param>
    public static void Run(string folder, int steps)
    {
        Directory.CreateDirectory(folder);
        BaseTokenizer.Write(folder, Seed);
        var tokenizer = Tokenizer.Load(folder);
        var encoder = new RowEncoder(tokenizer, ChatTemplate.Load(folder), BaseShape.ContextLength);
        using var model = BaseModel.Random(BaseShape.Of(tokenizer), BasePrecision.Bf16, Seed, tokenizer);

        var curve = new LossCurve(CurveEvery);
        Train("copying", Copying.Conversations(Seed), Copy);
        Train("world and skills", WorldText.Conversations(Seed), Know with { MaxSteps = steps });
        model.Save(folder, ComputeDtype.Bf16);
        BaseReadme.Write(folder, model, curve, steps);

        void Train(string lesson, IEnumerable<Conversation> text, TrainingConfig config)
        {
            var rows = new Lesson(encoder, RowLength).Rows(text, config.MaxSteps!.Value * config.MicroBatchSize);
            var checkpoints = Directory.CreateTempSubdirectory("base-model-");
            using var trainer = new Trainer(model, config, rows, validation: null, checkpoints.FullName);
            trainer.Run(progress => curve.Add(lesson, progress));
            checkpoints.Delete(recursive: true);
        }
    }
}
