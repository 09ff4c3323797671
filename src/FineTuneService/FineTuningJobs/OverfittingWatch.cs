using FineTuneService.Engine.Training;

namespace FineTuneService.FineTuningJobs;

/// <summary>Sees when a run's evaluation loss rises while its training loss falls.</summary>
internal sealed class OverfittingWatch
{
    public const string Warning =
        "evaluation loss rises while training loss falls: the model begins to learn its rows by heart. In the articles' runs that came with a second pass over the data. Train for fewer steps, with a lower learning rate or on more rows.";

    private double _sum;
    private int _steps;
    private double? _trainingBefore, _evaluationBefore;

    /// <returns>Whether it shows at this event: an evaluation is worse than the one before, and the mean loss of the steps between is better than
    /// that of the steps before those.</returns>
    public bool Sees(TrainingEvent happened)
    {
        switch (happened)
        {
            case StepFinished step:
                (_sum, _steps) = (_sum + step.Loss, _steps + 1);
                return false;
            case Evaluated { Step: > 0 } evaluated when _steps > 0:
                double training = _sum / _steps;
                bool rising = _evaluationBefore < evaluated.Loss && training < _trainingBefore;
                (_trainingBefore, _evaluationBefore, _sum, _steps) = (training, evaluated.Loss, 0, 0);
                return rising;
            default:
                return false;
        }
    }
}
