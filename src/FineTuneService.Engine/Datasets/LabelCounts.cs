namespace FineTuneService.Engine.Datasets;

/// <summary>How many answers of a file are wanted and how many are not: both are needed to tell them apart.</summary>
internal sealed class LabelCounts(WarningList warnings)
{
    private int _wanted, _unwanted;

    public void Add(DatasetRow row)
    {
        if (row is not LabelledRow labelled) return;
        if (labelled.IsWanted) _wanted++;
        else _unwanted++;
    }

    public void Check()
    {
        if (_wanted + _unwanted > 0 && (_wanted == 0 || _unwanted == 0))
            warnings.Add(0, $"every label is {(_wanted > 0 ? "true" : "false")}: there is nothing to tell wanted answers from unwanted ones.");
    }
}
