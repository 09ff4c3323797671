namespace FineTuneService.Engine.Datasets;
public sealed record TrainingRow(int[] Ids, int[] Labels);
