namespace FineTuneService.Engine.Datasets;

/// <summary>Which end a row that is too long keeps, in TRL's words.</summary>
public enum Truncation
{
    KeepStart,

    KeepEnd,
}
