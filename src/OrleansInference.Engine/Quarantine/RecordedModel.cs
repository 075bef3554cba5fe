using OrleansInference.Engine.Batching;
using OrleansInference.Tensors;

namespace OrleansInference.Engine.Quarantine;

/// <summary>A model each of whose runs is on record while it lasts.</summary>
internal sealed class RecordedModel(IModelInstance model, RunRecord record) : IModelInstance
{
    private bool _hasRun;

    public BatchResult Run(IReadOnlyList<InferenceTensor[]> items)
    {
        record.Enter(_hasRun ? RunPhase.LaterRun : RunPhase.FirstRun);
        try
        {
            return model.Run(items);
        }
        finally
        {
            record.Leave();
            _hasRun = true;
        }
    }

    public void Dispose() => model.Dispose();
}
