using System.Numerics;

using OrleansInference.Engine.Processing;
using OrleansInference.Engine.Repository;
using OrleansInference.Tensors;

namespace OrleansInference.Grains.Inference;

/// <summary>Pure: turns what the network gave into the outputs that the model declares.</summary>
internal static class Postprocessor
{
    /// <exception cref="InferenceException"><see cref="InferenceError.ModelFailed"/>: an output is not what a step needs.</exception>
    public static IReadOnlyList<InferenceTensor> Run(ModelVersion model, IReadOnlyList<InferenceTensor> networkOutputs)
    {
        var outputs = networkOutputs.ToDictionary(output => output.Name);
        foreach (var step in model.Config.Postprocessing)
        {
            try
            {
                foreach (var made in Apply(step, Find(step.From))) outputs[made.Name] = made;
            }
            catch (StepException exception)
            {
                throw Failed($"{exception.Message}: postprocessing cannot make '{step.Output}' of it");
            }
        }

        return [.. model.Signature.Outputs.Select(output => Find(output.Name))];

        InferenceTensor Find(string name) => outputs.TryGetValue(name, out var output) ? output : throw Failed($"there is no output '{name}'");

        InferenceException Failed(string reason) => new(InferenceError.ModelFailed, $"model '{model.Id.Name}' failed: {reason}");
    }

    private static IEnumerable<InferenceTensor> Apply(PostprocessingStep step, InferenceTensor from) => from.DataType switch
    {
        DataType.Float16 => Apply<Half>(step, from),
        DataType.Float32 => Apply<float>(step, from),
        DataType.Float64 => Apply<double>(step, from),
        _ => throw new StepException($"output '{from.Name}' is of {from.DataType.ToProtocolName()}"),
    };

    private static IEnumerable<InferenceTensor> Apply<T>(PostprocessingStep step, InferenceTensor from)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        step switch
        {
            SoftmaxStep => [ScoreSteps.Softmax<T>(from)],
            RoundStep round => [ScoreSteps.Round<T>(from, round.Digits)],
            ThresholdStep threshold => [ScoreSteps.Threshold<T>(from, threshold)],
            ArgmaxStep argmax => [ChoiceSteps.Argmax<T>(from, argmax)],
            LabelStep label => [ChoiceSteps.Label<T>(from, label)],
            TopStep top => ChoiceSteps.Top<T>(from, top),
            _ => throw new NotSupportedException($"There is no postprocessing step {step.GetType().Name}."),
        };
}

/// <summary>Why an output cannot be processed; which model's it is, the message leaves open.</summary>
internal sealed class StepException(string message) : Exception(message);
