using FineTuneService.Engine.Training;
using FineTuneService.FineTuningJobs;

namespace FineTuneService.Tests.FineTuningJobs;

public sealed class JobSettingsTests
{
    [Theory]
    [InlineData(500, null, null, 10, 10, 50)]
    [InlineData(500, null, 4, 12, 4, 42)] // 10 rows are not whole micro batches of 4.
    [InlineData(500, 8, 4, 8, 4, 63)]
    [InlineData(6, 8, 4, 8, 4, 1)]
    [InlineData(6, 8, null, 6, 6, 1)]
    [InlineData(3, null, null, 1, 1, 3)]
    public void For_BatchAndMicroBatch_MakesWholeMicroBatches(int rows, int? batch, int? micro, int batchRows, int microRows, int steps)
    {
        JobSettings settings = Read(new TrainingBody { BatchSize = batch, MicroBatchSize = micro });
        TrainingConfig config = settings.For(rows);
        Assert.Equal((batchRows, microRows), (config.MicroBatchSize * config.GradientAccumulationSteps, config.MicroBatchSize));
        Assert.Equal(steps, settings.StepsFor(rows));
        Assert.Equal(steps, new RowOrder(Enumerable.Repeat(5, rows), config).TotalSteps);
    }

    [Fact]
    public void Read_MicroBatchThatDoesNotDivideOpenAisBatch_NamesIt()
    {
        var body = new CreateJobRequest
        {
            Model = "m",
            TrainingFile = "f",
            Hyperparameters = new HyperparametersBody { BatchSize = new Auto(10) },
            Training = new TrainingBody { MicroBatchSize = 4 },
        };
        Assert.Null(JobSettingsReader.Read(body, fastBf16: false, out JobBodyProblem? problem));
        Assert.Equal("training.micro_batch_size", problem!.Param);
    }

    private static JobSettings Read(TrainingBody training) =>
        JobSettingsReader.Read(new CreateJobRequest { Model = "m", TrainingFile = "f", Training = training }, fastBf16: false, out _)!;
}
